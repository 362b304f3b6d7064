import { assemble } from "../core/assemble.ts";
import { disposeState } from "../core/engine/eager.ts";
import type { Engine, HostInputs } from "../core/engine/engine.ts";
import { createMetricStream } from "../core/metrics/stream.ts";
import { adam, adamW } from "../core/optimizer/adam.ts";
import { createStream } from "../core/random.ts";
import { clockAtStart } from "../core/run.ts";
import { createRunControl } from "../core/run-control.ts";
import { ebm } from "../plugins/objectives/ebm/index.ts";
import { flowMatching } from "../plugins/objectives/flow-matching/index.ts";
import { meanflow } from "../plugins/objectives/meanflow/index.ts";
import { ik } from "../plugins/tasks/ik/index.ts";
import { particle } from "../plugins/tasks/particle/index.ts";
import { gradClip } from "../plugins/training/grad-clip/index.ts";
import type { Workload } from "./workloads.ts";

/** Demonstrations of the particle: more steps than a batch has rows. */
const EPISODES = 20;

/** What trains a workload. */
function ingredients(workload: Workload) {
  if (workload.kind === "energy") {
    const { width, negatives, iterations } = workload;
    return {
      plugins: [particle({ episodes: EPISODES, network: { width } }), ebm({ negatives, langevin: { iterations } })],
      optimizer: adam({ lr: 1e-3, epsilon: 1e-7 }),
    };
  }
  const { width, depth, condition, kinematics, pDistinct } = workload;
  const network = { width, depth, condition, poseError: kinematics };
  return {
    plugins: [
      ik({ network, validationPoses: 1 }),
      pDistinct === 0 ? flowMatching() : meanflow({ pDistinct }),
      gradClip({ maxNorm: 1 }),
    ],
    optimizer: adamW({ lr: 1e-4 }),
  };
}

/** The product's run of a workload, up to its first step. One batch serves every step: the step is timed, not the data. */
export async function prepare(workload: Workload) {
  const { batch } = workload;
  const { plugins, optimizer } = ingredients(workload);
  const log = { info: () => {}, warn: () => {} };
  const assembly = assemble(plugins, optimizer, {
    run: createRunControl("bench", null).run,
    settings: {
      seed: 0,
      steps: null,
      epochs: null,
      batchSize: batch,
      accumulate: 1,
      learningRate: optimizer.options.lr,
      config: {},
    },
    metrics: createMetricStream(log.warn),
    log,
  });
  const dataset = await assembly.task.dataset();
  const { batch: data } = await dataset.read({ epoch: 0, position: 0, seed: 0 }, batch);
  const inputsOf = (steps: number): HostInputs => ({
    batch: data,
    scalars: assembly.scalarsAt({ ...clockAtStart, steps }),
    random: createStream(0, "step", steps),
  });
  return { assembly, inputsOf };
}

/** Each call of `step` runs the next optimizer step of a fresh run. */
export async function createStepper(workload: Workload, engine: Engine) {
  const { assembly, inputsOf } = await prepare(workload);
  let state = assembly.initialState();
  let steps = 0;
  return {
    parameters: Object.values(state.params).reduce((sum, p) => sum + p.size, 0),
    async step(): Promise<void> {
      const result = await engine.run(assembly.program, state, [inputsOf(steps)], null);
      state = result.state;
      steps += 1;
    },
    dispose(): void {
      engine.dispose();
      disposeState(state);
    },
  };
}
