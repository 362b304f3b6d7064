import * as tf from "@tensorflow/tfjs-core";
import { assemble } from "../assemble.ts";
import { restore, snapshot } from "../checkpoint/snapshot.ts";
import { firstCursor } from "../data/cursor.ts";
import type { Cursor, Dataset } from "../data/dataset.ts";
import type { HostTensor } from "../data/host-tensor.ts";
import { createEagerEngine, disposeState } from "../engine/eager.ts";
import type { Engine, HostInputs } from "../engine/engine.ts";
import { repeat, stepRandom, toTensors } from "../engine/feed.ts";
import { render } from "../evaluation.ts";
import { refuseWhileTracing } from "../graph/trace/trace.ts";
import { predictOf } from "../inference.ts";
import type { Json } from "../json.ts";
import type { Media } from "../metrics/media.ts";
import { createMetricStream, type MetricPoint } from "../metrics/stream.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { sgd } from "../optimizer/sgd.ts";
import type { Plugin } from "../plugin.ts";
import { createStream } from "../random.ts";
import { type Clock, clockAtStart, type Outcome, type Run, type RunSettings } from "../run.ts";
import type { StepInputs, TrainState } from "../state.ts";
import { mapTree, type Tree } from "../tree.ts";
import { createTimer } from "../when.ts";
import { type Recording, record } from "./record.ts";
import { toyTask } from "./toy-task.ts";

export interface BenchOptions {
  /** Default: sgd with a learning rate of 0.1. */
  readonly optimizer?: Optimizer;
  readonly settings?: Partial<RunSettings>;
  /** The toy task's samples, a number each, in order and around again; zeros if left out. */
  readonly targets?: readonly number[];
  /** The run's folder; null, the default, writes nothing. */
  readonly directory?: string | null;
  /** What runs the steps, which the bench then owns; eager if left out. */
  readonly engine?: Engine;
}

/** A saved bench, as JSON text would hold it. */
export type Saved = Json & {
  readonly memory: Readonly<Record<string, Json>>;
  readonly tensors: Readonly<Record<string, { dtype: "float32" | "int32"; shape: number[]; bytes: string }>>;
  readonly clock: Clock;
  readonly cursor: Cursor;
};

export type Bench = ReturnType<typeof createBench>;

/**
 * Plugins on real hooks, the real step and the real engine, without a trainer. Unless a given plugin brings a task, the
 * toy task minimises ‖w − target‖² from w = (3, 4), where the gradient is (6, 8); `start` is another start, which stays
 * the caller's. A backend must be in use (`useBackend`).
 */
export function createBench(given: Plugin | readonly Plugin[], start?: Tree, options: BenchOptions = {}) {
  const plugins = [given].flat() as readonly Plugin[];
  const { optimizer = sgd({ lr: 0.1 }), targets = [0], directory = null, engine = createEagerEngine() } = options;
  const settings: RunSettings = {
    seed: 0,
    steps: 1000,
    epochs: null,
    batchSize: 1,
    accumulate: 1,
    learningRate: optimizer.options.lr,
    config: {},
    ...options.settings,
  };
  const requests: string[] = [];
  const points: MetricPoint[] = [];
  const media: Media[] = [];
  const messages: string[] = [];
  let clock = clockAtStart;
  const run: Run = {
    name: "bench",
    directory,
    rank: 0,
    get clock() {
      refuseWhileTracing();
      return clock;
    },
    requestStop: (reason) => void requests.push(`stop: ${reason}`),
    requestCheckpoint: (tag) => void requests.push(`checkpoint: ${tag}`),
    requestValidation: () => void requests.push("validation"),
  };
  const stream = createMetricStream((message) => void messages.push(message));
  stream.points.subscribe((point) => void points.push(point));
  stream.media.subscribe((item) => void media.push(item));
  const log = { info: (m: string) => void messages.push(m), warn: (m: string) => void messages.push(m) };
  const toy = plugins.some((p) => p.provides === "task") ? [] : [toyTask(targets, start)];
  const assembly = assemble([...plugins, ...toy], optimizer, { run, settings, metrics: stream, log });
  const intervals = assembly.intervals.map(({ interval, act }) => ({
    due: createTimer(interval, clock, () => performance.now()),
    act,
  }));

  let state: TrainState = assembly.initialState();
  let cursor: Cursor = firstCursor(settings.seed);
  let dataset: Dataset | undefined;
  let disposed = false;

  const feed = async (): Promise<HostInputs[]> => {
    dataset ??= await assembly.task.dataset();
    const micro: HostInputs[] = [];
    for (let i = 0; i < settings.accumulate; i++) {
      const { batch, next } = await dataset.read(cursor, settings.batchSize);
      cursor = next;
      const random = createStream(settings.seed, "step", clock.batches + i);
      micro.push({ batch, scalars: assembly.scalarsAt(clock), random });
    }
    return micro;
  };
  const step = async (): Promise<Record<string, number>> => {
    const micro = await feed();
    assembly.fixAt(clock);
    const exchange =
      assembly.hooks.exchangeGradients.taps.length > 0
        ? (grads: Tree) => assembly.hooks.exchangeGradients.promise(grads, clock)
        : null;
    const result = await engine.run(assembly.program, state, micro, exchange);
    state = result.state;
    clock = {
      steps: clock.steps + 1,
      skipped: clock.skipped + (result.skipped ? 1 : 0),
      batches: clock.batches + settings.accumulate,
      samples: clock.samples + settings.accumulate * settings.batchSize,
      epochs: cursor.epoch,
    };
    const { skipped, read, readExposed } = result;
    assembly.hooks.onStep.call({ clock, skipped, read, readExposed });
    for (const { due, act } of intervals) if (due(clock)) act(clock);
    return read();
  };

  return {
    assembly,
    hooks: assembly.hooks,
    /** What plugins asked of the run, in order: `stop: reason`, `checkpoint: tag`, `validation`. */
    requests,
    /** Every metric point that plugins recorded. */
    metrics: points,
    /** What plugins published beside numbers. */
    media,
    /** What plugins told the person. */
    messages,
    get state() {
      return state;
    },
    get clock() {
      return clock;
    },
    start: (resumedFrom: string | null = null): Promise<void> => assembly.hooks.onStart.promise({ clock, resumedFrom }),
    /** One step; its metrics as numbers. */
    step,
    /** `n` steps; the metrics of the last. */
    async steps(n: number): Promise<Record<string, number>> {
      let last: Record<string, number> = {};
      for (let i = 0; i < n; i++) last = await step();
      return last;
    },
    async validate(metrics: Readonly<Record<string, number>>): Promise<void> {
      const params = assembly.evaluationParams(state);
      const draw = () => render(assembly, params, predictOf(assembly.task, params, engine));
      await assembly.hooks.onValidate.promise({ clock, metrics, render: draw });
    },
    /** Offers plugins a checkpoint to mark; returns what they said. */
    async checkpoint(tags: readonly string[] = [], metrics: Readonly<Record<string, number>> = {}) {
      const said: { best: { metric: string; value: number } | null; keepLast: number | null } = {
        best: null,
        keepLast: null,
      };
      const markBest = (metric: string, value: number): void => {
        said.best = { metric, value };
      };
      const keepLast = (last: number): void => {
        said.keepLast = last;
      };
      await assembly.hooks.onCheckpoint.promise({ name: "bench", clock, tags, metrics, markBest, keepLast });
      return said;
    },
    finish(outcome: Outcome = "completed", reason = "the bench ended"): Promise<void> {
      return assembly.hooks.onFinish.promise({ outcome, reason, clock, seconds: 0, metrics: {}, baselines: {} });
    },
    /** Kernels and constants of a step from the present state and data, as they would be at `at`. */
    async recordAt(at: Clock): Promise<{ readonly fixed: string; readonly recording: Recording }> {
      dataset ??= await assembly.task.dataset();
      const { batch } = await dataset.read(cursor, settings.batchSize);
      const now = clock;
      clock = at;
      const fixed = assembly.fixAt(at);
      const inTidy = () => {
        const inputs: StepInputs = {
          batch: toTensors(batch),
          scalars: mapTree((value) => tf.scalar(value), assembly.scalarsAt(at)),
          random: stepRandom(createStream(settings.seed, "step", 0)),
          repeat,
        };
        const known = [state.params, state.opt, state.slots, inputs.batch, inputs.scalars].flatMap(Object.values);
        const metrics: tf.Tensor[] = [];
        const recording = record(() => {
          const backward = assembly.program.backward(state, inputs);
          const update = assembly.program.update(state, backward, inputs);
          metrics.push(...Object.values(backward.metrics), ...Object.values(update.metrics));
        }, known);
        for (const metric of metrics) metric.dispose();
        return recording;
      };
      try {
        // A recording holds no tensor, so that everything the step made is freed.
        return { fixed, recording: tf.tidy(inTidy as () => never) };
      } finally {
        clock = now;
      }
    },
    /** Memory and tensors, through JSON text and back. */
    save: (): Saved =>
      JSON.parse(
        JSON.stringify({
          memory: assembly.saveMemory(),
          tensors: mapTree(
            ({ dtype, shape, data }) => ({
              dtype,
              shape,
              bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
            }),
            snapshot(state),
          ),
          clock,
          cursor,
        }),
      ) as Saved,
    load(saved: Saved): void {
      const tensors = mapTree(({ dtype, shape, bytes }): HostTensor => {
        const copy = Uint8Array.from(Buffer.from(bytes, "base64")).buffer;
        return dtype === "int32"
          ? { dtype, shape, data: new Int32Array(copy) }
          : { dtype, shape, data: new Float32Array(copy) };
      }, saved.tensors);
      const old = state;
      state = restore(assembly.initialState(), tensors, "bench");
      disposeState(old);
      const versions = Object.fromEntries(assembly.plugins.map((p) => [p.name, p.stateVersion]));
      assembly.loadMemory(saved.memory, versions);
      ({ clock, cursor } = saved);
      for (const { due } of intervals) due(clock);
    },
    /** Frees every tensor and runs the plugins' disposers; throws the first thing one of them threw. */
    async dispose(): Promise<void> {
      const thrown = await assembly.dispose();
      await stream.drain(1000);
      await engine.dispose();
      if (!disposed) disposeState(state);
      disposed = true;
      await dataset?.close?.();
      dataset = undefined;
      if (thrown.length > 0) throw thrown[0];
    },
  };
}
