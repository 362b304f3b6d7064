import { float32 } from "../../../core/data/host-tensor.ts";
import { createStream } from "../../../core/random.ts";
import type { Evaluator, Predict } from "../../../core/task.ts";
import { poseRows, type Regime, samplePairs } from "./data.ts";
import { errorCurves, type MethodErrors } from "./error-curves.ts";
import type { Chain } from "./robot/chain.ts";
import { dlsBatch } from "./robot/dls.ts";
import { poseErrors, summarizePoseErrors } from "./robot/pose-error.ts";

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
  const method = (name: string, q: Float64Array | Float32Array): MethodErrors => ({
    name,
    errors: poseErrors(chain, q, poses),
  });
  /** The model's errors, and after them those of its polished answers where these are measured. */
  const modelErrors = async (predict: Predict): Promise<MethodErrors[]> => {
    const q = (await predict(inputs))["joints"]!.data as Float32Array;
    const polished = options.polish === 0 ? [] : [method("polished", dlsBatch(chain, q, poses, options.polish))];
    return [method("model", q), ...polished];
  };
  let known: readonly MethodErrors[] | undefined;
  const baselineErrors = (): readonly MethodErrors[] => {
    known ??= [
      method("no_move", sources),
      ...[1, 2, 3].map((steps) => method(`dls_${steps}`, dlsBatch(chain, sources, poses, steps))),
    ];
    return known;
  };
  return {
    name: "pose",
    async evaluate(_, predict) {
      const [model, polished] = await modelErrors(predict);
      const added = polished === undefined ? {} : summarizePoseErrors(polished.errors);
      return { ...summarizePoseErrors(model!.errors), ...prefixNames("polished_", added) };
    },
    async render(_, predict) {
      return { "pose-errors.svg": errorCurves([...(await modelErrors(predict)), ...baselineErrors()]) };
    },
    baselines: () =>
      Object.fromEntries(baselineErrors().map(({ name, errors }) => [name, { ...summarizePoseErrors(errors) }])),
  };
}

const prefixNames = (prefix: string, values: object): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value as number]));
