import { type Assembly, assemble } from "../core/assemble.ts";
import { createEagerEngine, disposeState } from "../core/engine/eager.ts";
import { createMetricStream } from "../core/metrics/stream.ts";
import { adamW } from "../core/optimizer/adam.ts";
import type { Plugin } from "../core/plugin.ts";
import { createStream } from "../core/random.ts";
import { clockAtStart } from "../core/run.ts";
import { createRunControl } from "../core/run-control.ts";
import { flowMatching } from "../plugins/objectives/flow-matching/index.ts";
import { meanflow } from "../plugins/objectives/meanflow/index.ts";
import { ik } from "../plugins/tasks/ik/index.ts";

export interface Size {
  readonly width: number;
  readonly depth: number;
  readonly condition: number;
  readonly batch: number;
}

const task = ({ width, depth, condition }: Size) => ik({ network: { width, depth, condition }, validationPoses: 1 });

/** The objectives whose steps are compared; `all rows` differentiates every row instead of a quarter. */
export const objectives = (size: Size): Record<string, readonly Plugin[]> => ({
  "flow matching": [task(size), flowMatching()],
  "MeanFlow, 25 % distinct": [task(size), meanflow()],
  "MeanFlow, all rows": [task(size), meanflow({ pDistinct: 1 })],
});

/** A step to time: each call runs the next optimizer step of a fresh run. */
export async function createStepper(plugins: readonly Plugin[], batch: number) {
  const optimizer = adamW({ lr: 1e-4 });
  const control = createRunControl("bench", null);
  const log = { info: () => {}, warn: () => {} };
  const assembly: Assembly = assemble(plugins, optimizer, {
    run: control.run,
    settings: { seed: 0, steps: null, epochs: null, batchSize: batch, accumulate: 1, learningRate: 1e-4, config: {} },
    metrics: createMetricStream(log.warn),
    log,
  });
  const dataset = await assembly.task.dataset();
  // One batch, made beforehand: the step is timed, not the data.
  const { batch: data } = await dataset.read({ epoch: 0, position: 0, seed: 0 }, batch);
  const engine = createEagerEngine();
  let state = assembly.initialState();
  let steps = 0;
  const parameters = Object.values(state.params).reduce((sum, p) => sum + p.size, 0);
  return {
    parameters,
    async step() {
      const scalars = assembly.scalarsAt({ ...clockAtStart, steps });
      const inputs = { batch: data, scalars, random: createStream(0, "step", steps) };
      const result = await engine.run(assembly.program, state, [inputs], null);
      state = result.state;
      steps += 1;
    },
    dispose: () => disposeState(state),
  };
}
