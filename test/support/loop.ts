import { assemble } from "../../core/assemble.ts";
import { createEagerEngine, disposeState } from "../../core/engine/eager.ts";
import type { Engine } from "../../core/engine/engine.ts";
import type { MetricPoint } from "../../core/metrics/stream.ts";
import { createMetricStream } from "../../core/metrics/stream.ts";
import type { Optimizer } from "../../core/optimizer/optimizer.ts";
import type { Plugin } from "../../core/plugin.ts";
import { clockAtStart, type RunSummary } from "../../core/run.ts";
import { createRunControl } from "../../core/run-control.ts";
import type { TrainState } from "../../core/state.ts";
import { type LoopSettings, type RunStore, runLoop } from "../../core/trainer.ts";

const settingsOf = (learningRate: number, given: Partial<LoopSettings>): LoopSettings => ({
  seed: 0,
  steps: 10,
  epochs: null,
  minutes: null,
  batchSize: 32,
  accumulate: 1,
  learningRate,
  config: {},
  validate: null,
  log: "1 steps",
  nonFinite: "stop",
  maxSkipped: 3,
  ...given,
});

interface InMemory {
  readonly summary: RunSummary;
  readonly state: TrainState;
  readonly points: MetricPoint[];
  /** What the person was warned of. */
  readonly warnings: string[];
  readonly free: () => void;
}

/** Trains in memory, nothing written: the whole loop on plugins given. The caller disposes `state`. */
export async function trainInMemory(
  plugins: readonly Plugin[],
  optimizer: Optimizer,
  given: Partial<LoopSettings>,
  engine: Engine = createEagerEngine(),
  store: RunStore | null = null,
): Promise<InMemory> {
  const settings = settingsOf(optimizer.options.lr, given);
  const points: MetricPoint[] = [];
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message) };
  const metrics = createMetricStream(log.warn);
  metrics.points.subscribe((p) => points.push(p));
  const control = createRunControl("test", null);
  const assembly = assemble(plugins, optimizer, { run: control.run, settings, metrics, log });
  const { summary, state } = await runLoop({
    assembly,
    engine,
    dataset: await assembly.task.dataset(),
    control,
    settings,
    metrics,
    log,
    store,
    start: {
      state: assembly.initialState(),
      clock: clockAtStart,
      cursor: { epoch: 0, position: 0, seed: settings.seed },
    },
    resumedFrom: null,
  });
  return { summary, state, points, warnings, free: () => disposeState(state) };
}
