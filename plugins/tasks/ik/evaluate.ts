import { float32 } from "../../../core/data/host-tensor.ts";
import { createStream } from "../../../core/random.ts";
import type { Evaluator } from "../../../core/task.ts";
import { poseRows, type Regime, samplePairs } from "./data.ts";
import type { Chain } from "./robot/chain.ts";
import { dlsBatch } from "./robot/dls.ts";
import { type PoseErrorSummary, poseErrors, summarizePoseErrors } from "./robot/pose-error.ts";

export interface EvaluationOptions extends Regime {
  readonly poses: number;
  /** Damped-least-squares steps on the network's answer, reported beside it; 0 for none. */
  readonly polish: number;
}

/**
 * Pose errors on held-out reachable poses, the same for every run and seed. Answers are clamped to the joint limits, as
 * the baselines' are: no move, and 1 to 3 damped-least-squares steps from the same references.
 */
export function poseEvaluator(chain: Chain, options: EvaluationOptions): Evaluator {
  const { sources, poses } = samplePairs(chain, createStream(0, "ik/validation"), options.poses, options);
  const inputs = {
    pose: float32(poseRows(poses), [options.poses, 7]),
    reference: float32(Float32Array.from(sources), [options.poses, chain.joints.length]),
  };
  const measure = (q: Float64Array | Float32Array): PoseErrorSummary =>
    summarizePoseErrors(poseErrors(chain, q, poses));
  return {
    name: "pose",
    async evaluate(_, predict) {
      const { joints } = await predict(inputs);
      const q = joints!.data as Float32Array;
      const polished = options.polish === 0 ? {} : measure(dlsBatch(chain, q, poses, options.polish));
      return { ...measure(q), ...prefixNames("polished_", polished) };
    },
    baselines() {
      const dls = [1, 2, 3].map((steps) => [`dls_${steps}`, measure(dlsBatch(chain, sources, poses, steps))] as const);
      return Object.fromEntries([["no_move", measure(sources)] as const, ...dls].map(([name, m]) => [name, { ...m }]));
    },
  };
}

const prefixNames = (prefix: string, values: object): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value as number]));
