import type { Assembly } from "./assemble.ts";
import { checkpointName } from "./checkpoint/store.ts";
import type { Cursor, Dataset } from "./data/dataset.ts";
import { disposeState } from "./engine/eager.ts";
import type { Engine, HostInputs } from "./engine/engine.ts";
import { errors } from "./errors.ts";
import { evaluate, measureBaselines, render } from "./evaluation.ts";
import { heldOutLossOf } from "./held-out.ts";
import { predictOf } from "./inference.ts";
import type { OwnedMetricStream } from "./metrics/stream.ts";
import type { Log } from "./plugin.ts";
import { createStream } from "./random.ts";
import type { CheckpointDraft, Clock, Outcome, RunSettings, RunSummary } from "./run.ts";
import type { RunControl } from "./run-control.ts";
import type { TrainState } from "./state.ts";
import { createTimer, type Interval } from "./when.ts";

/** A point between two steps: all that a run needs to go on from there. */
export interface Position {
  readonly state: TrainState;
  readonly clock: Clock;
  readonly cursor: Cursor;
}

/** A checkpoint the loop wants written. */
export interface CheckpointRequest {
  readonly name: string;
  readonly position: Position;
  readonly metrics: Readonly<Record<string, number>>;
  readonly stopReason: string | null;
  readonly best: { readonly metric: string; readonly value: number } | null;
  readonly keepLast: number | null;
}

/** Where a run is kept. The loop decides when; a store decides how. */
export interface RunStore {
  /** Before the first step. */
  begin(baselines: RunSummary["baselines"]): Promise<void>;
  save(request: CheckpointRequest): Promise<void>;
  /** The newest checkpoint's tensors, to roll back to; null when there is none. */
  rollback(): Promise<TrainState | null>;
  end(summary: RunSummary): Promise<void>;
}

export interface LoopSettings extends RunSettings {
  /** Wall-clock limit of this process, in minutes; null for none. */
  readonly minutes: number | null;
  readonly validate: Interval | null;
  /** How often the step's metrics are read from the device and recorded. */
  readonly log: Interval;
  /** What happens after `maxSkipped` steps in a row with a loss or gradient that is not finite. */
  readonly nonFinite: "rollback" | "stop";
  readonly maxSkipped: number;
}

export interface Loop {
  readonly assembly: Assembly;
  readonly engine: Engine;
  readonly dataset: Dataset;
  readonly control: RunControl;
  readonly settings: LoopSettings;
  readonly metrics: OwnedMetricStream;
  readonly log: Log;
  /** Null when nothing is written. */
  readonly store: RunStore | null;
  readonly start: Position;
  readonly resumedFrom: string | null;
  /** Aborted by the person: the loop saves and leaves. */
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

const maxRollbacks = 3;
const drainMilliseconds = 10_000;
const settleMilliseconds = 1000;
const yieldMilliseconds = 20;

/**
 * The training loop:
 *
 *     onStart; measure the baselines
 *     until a limit or a stop request:
 *         read batches; read scalars from the clock; rebuild the step if a fixed value changed
 *         run the step; tick the clock; onStep; intervals
 *         if validation is due or asked for:  evaluate → onValidate
 *         if a checkpoint is asked for:       draft → onCheckpoint → write
 *     last validation, last checkpoint; drain metrics → onFinish → write the summary → disposers
 *
 * Takes over the state it is given and returns the last one, which the caller disposes.
 */
export async function runLoop(loop: Loop): Promise<{ summary: RunSummary; state: TrainState }> {
  const { assembly, control, settings } = loop;
  const now = loop.now ?? (() => performance.now());
  const began = now();
  let position = loop.start;
  let latestMetrics: Record<string, number> = {};
  let baselines: RunSummary["baselines"] = {};
  let validatedAt = -1;
  let savedAt = -1;
  let outcome: Outcome = "completed";
  let reason = "";
  let failure: unknown;
  /** Records what the last step measured; null where that has been done. */
  let recordStep: (() => void) | null = null;
  const skips = { inARow: 0, rollbacks: 0 };
  control.setClock(position.clock);

  const validate = async (): Promise<void> => {
    validatedAt = position.clock.steps;
    await loop.engine.sync();
    const params = assembly.evaluationParams(position.state);
    const predict = predictOf(assembly.task, params, loop.engine);
    const heldOutLoss = heldOutLossOf(assembly, position.state, position.clock, settings.batchSize);
    const measured = await evaluate(assembly, params, predict, heldOutLoss);
    latestMetrics = { ...latestMetrics, ...measured };
    record(loop, "val", measured);
    await assembly.hooks.onValidate.promise({
      clock: position.clock,
      metrics: measured,
      render: () => render(assembly, params, predict),
    });
  };
  const checkpoint = async (tags: readonly string[], stopReason: string | null): Promise<void> => {
    savedAt = position.clock.steps;
    await loop.engine.sync();
    let best: CheckpointRequest["best"] = null;
    let keepLast: number | null = null;
    const draft: CheckpointDraft = {
      name: checkpointName(position.clock.steps),
      clock: position.clock,
      tags,
      metrics: latestMetrics,
      markBest: (metric, value) => {
        best = { metric, value };
      },
      keepLast: (last) => {
        keepLast = last;
      },
    };
    await assembly.hooks.onCheckpoint.promise(draft);
    // A run that is killed goes on after this step, so that its metrics up to here must not be lost.
    await loop.metrics.settle(settleMilliseconds);
    await loop.store?.save({ name: draft.name, position, metrics: latestMetrics, stopReason, best, keepLast });
  };

  try {
    await assembly.hooks.onStart.promise({ clock: position.clock, resumedFrom: loop.resumedFrom });
    // Before the training and not after it: who watches can compare, and what is wrong with them is found early.
    baselines = await measureBaselines(assembly);
    await loop.store?.begin(baselines);
    const logDue = createTimer(settings.log, position.clock, now);
    const validateDue = settings.validate === null ? () => false : createTimer(settings.validate, position.clock, now);
    const intervals = assembly.intervals.map(({ interval, act }) => ({
      due: createTimer(interval, position.clock, now),
      act,
    }));
    const exchange =
      assembly.hooks.exchangeGradients.taps.length > 0
        ? (grads: TrainState["params"]) => assembly.hooks.exchangeGradients.promise(grads, position.clock)
        : null;
    let yielded = now();

    for (;;) {
      const end = whyEnd(loop, position.clock, (now() - began) / 60_000);
      if (end !== null) {
        [outcome, reason] = end;
        break;
      }
      const { micro, cursor } = await readMicroBatches(loop, position);
      assembly.fixAt(position.clock);
      const result = await loop.engine.run(assembly.program, position.state, micro, exchange);
      position = { state: result.state, cursor, clock: tick(position.clock, cursor, settings, result.skipped) };
      control.setClock(position.clock);
      const { skipped, read, readExposed } = result;
      assembly.hooks.onStep.call({ clock: position.clock, skipped, read, readExposed });
      recordStep = () =>
        record(loop, "train", {
          ...result.read(),
          ...declaredScalars(micro[0]!.scalars),
          skipped: position.clock.skipped,
        });
      if (logDue(position.clock)) {
        recordStep();
        recordStep = null;
      }
      if (result.skipped) position = await onSkip(loop, position, result.read(), skips);
      else skips.inARow = 0;

      for (const { due, act } of intervals) if (due(position.clock)) act(position.clock);
      if (validateDue(position.clock) || control.takeValidation()) await validate();
      const tags = control.takeCheckpointTags();
      if (tags.length > 0) await checkpoint(tags, control.stopReason());
      if (now() - yielded > yieldMilliseconds) {
        // Signals, timers and sinks run only between turns of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        yielded = now();
      }
    }
    // One that is interrupted goes on, and then has the rows of one that was not.
    if (outcome !== "interrupted") recordStep?.();
    if (outcome !== "interrupted" && validatedAt !== position.clock.steps) await validate();
    const tags = control.takeCheckpointTags();
    if (savedAt !== position.clock.steps || tags.length > 0 || outcome !== "interrupted") {
      await checkpoint([...tags, "final"], outcome === "interrupted" ? null : reason);
    }
  } catch (error) {
    outcome = "failed";
    reason = error instanceof Error ? error.message : String(error);
    failure = error;
  }

  const summary: RunSummary = {
    outcome,
    reason,
    clock: position.clock,
    seconds: (now() - began) / 1000,
    metrics: latestMetrics,
    baselines,
    ...(failure === undefined ? {} : { error: failure }),
  };
  const tell = async (told: Promise<void> | undefined): Promise<void> => {
    try {
      await told;
    } catch (error) {
      // The first failure is the one that explains the others.
      if (failure === undefined) failure = error;
      else loop.log.warn(error instanceof Error ? error.message : String(error));
    }
  };
  await loop.metrics.drain(drainMilliseconds);
  await tell(assembly.hooks.onFinish.promise(summary));
  await tell(loop.store?.end(summary));
  await loop.metrics.drain(drainMilliseconds);
  loop.metrics.complete();
  await loop.engine.dispose();
  for (const error of await assembly.dispose()) loop.log.warn(`A plugin failed to clean up: ${String(error)}`);
  await loop.dataset.close?.();
  if (failure !== undefined) {
    disposeState(position.state);
    throw failure;
  }
  return { summary, state: position.state };
}

/** The optimizer's own corrections are no news to a person. */
const declaredScalars = (scalars: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(scalars).filter(([name]) => !name.startsWith("optimizer/")));

function whyEnd(loop: Loop, clock: Clock, minutes: number): [Outcome, string] | null {
  const { settings, control, signal } = loop;
  if (signal?.aborted) return ["interrupted", "interrupted"];
  const stop = control.stopReason();
  if (stop !== null) return ["stopped", stop];
  if (settings.steps !== null && clock.steps >= settings.steps) return ["completed", `reached ${settings.steps} steps`];
  if (settings.epochs !== null && clock.epochs >= settings.epochs)
    return ["completed", `reached ${settings.epochs} epochs`];
  if (settings.minutes !== null && minutes >= settings.minutes)
    return ["stopped", `reached ${settings.minutes} minutes`];
  return null;
}

async function readMicroBatches(loop: Loop, at: Position): Promise<{ micro: HostInputs[]; cursor: Cursor }> {
  const { assembly, dataset, settings } = loop;
  const scalars = assembly.scalarsAt(at.clock);
  const micro: HostInputs[] = [];
  let { cursor } = at;
  for (let i = 0; i < settings.accumulate; i++) {
    const { batch, next } = await dataset.read(cursor, settings.batchSize);
    micro.push({ batch, scalars, random: createStream(settings.seed, "step", at.clock.batches + i) });
    cursor = next;
  }
  return { micro, cursor };
}

const tick = (clock: Clock, cursor: Cursor, settings: LoopSettings, skipped: boolean): Clock => ({
  steps: clock.steps + 1,
  skipped: clock.skipped + (skipped ? 1 : 0),
  batches: clock.batches + settings.accumulate,
  samples: clock.samples + settings.accumulate * settings.batchSize,
  epochs: cursor.epoch,
});

/** After `maxSkipped` bad steps in a row: back to the last checkpoint's weights (the data goes on), or an end with a report. */
async function onSkip(
  loop: Loop,
  position: Position,
  metrics: Record<string, number>,
  skips: { inARow: number; rollbacks: number },
): Promise<Position> {
  const { settings, log, store } = loop;
  const losses = Object.entries(metrics)
    .filter(([name]) => name.startsWith("loss"))
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");
  skips.inARow += 1;
  log.warn(`Step ${position.clock.steps} skipped: a loss or gradient is not finite (${losses}).`);
  if (skips.inARow < settings.maxSkipped) return position;
  const error = errors.MF_NOT_FINITE({ step: position.clock.steps, where: "loss or a gradient", losses });
  if (settings.nonFinite === "stop" || skips.rollbacks >= maxRollbacks) throw error;
  const state = await store?.rollback();
  if (state === undefined || state === null) throw error;
  disposeState(position.state);
  skips.inARow = 0;
  skips.rollbacks += 1;
  log.warn(`Rolled back to the last checkpoint's weights (${skips.rollbacks} of at most ${maxRollbacks}).`);
  return { ...position, state };
}

function record(loop: Loop, split: "train" | "val", values: Readonly<Record<string, number>>): void {
  const { clock } = loop.control.run;
  loop.metrics.record(
    Object.entries(values).map(([name, value]) => ({
      name: name.startsWith(`${split}/`) ? name : `${split}/${name}`,
      value,
      step: clock.steps,
      epoch: clock.epochs,
      split,
    })),
  );
}
