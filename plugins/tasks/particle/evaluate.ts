import type { Evaluator, Predict } from "../../../core/task.ts";
import { baselinePolicies } from "./baselines.ts";
import { episodeStreams, type Particles, resetParticles } from "./environment.ts";
import { type PolicyOptions, policyOf } from "./inference.ts";
import { type Rollout, rollOut, summarize } from "./rollout.ts";

export interface EvaluationOptions {
  readonly episodes: number;
  /** Decides where particles and goals are. No seed gives episodes of the demonstrations. */
  readonly seed: number;
}

export const evaluationStart = (dims: number, { episodes, seed }: EvaluationOptions): Particles =>
  resetParticles(dims, episodeStreams(seed, "particle/evaluation", episodes));

/** The learned policy in closed loop, all episodes together. */
export const rollOutModel = (
  predict: Predict,
  options: PolicyOptions,
  evaluation: EvaluationOptions,
): Promise<Rollout> => rollOut(evaluationStart(options.dims, evaluation), policyOf(predict, options));

/** Closed-loop episodes from a seed, the same for every run; the baselines are policies without learning on the same. */
export function episodeEvaluator(options: PolicyOptions, evaluation: EvaluationOptions): Evaluator {
  const { dims } = options;
  return {
    name: "episodes",
    evaluate: async (_, predict) => summarize((await rollOutModel(predict, options, evaluation)).last),
    async baselines() {
      const measured: Record<string, Record<string, number>> = {};
      for (const [name, policy] of Object.entries(baselinePolicies)) {
        measured[name] = summarize((await rollOut(evaluationStart(dims, evaluation), policy(dims))).last);
      }
      return measured;
    },
  };
}
