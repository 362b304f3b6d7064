import type { Model, Predict } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";
import { observeParticles } from "./environment.ts";
import { type EvaluationOptions, rollOutModel } from "./evaluate.ts";
import type { PolicyOptions } from "./inference.ts";
import { energyLandscape } from "./landscape.ts";
import type { Normalizer } from "./normalizer.ts";
import { type EnergyPanel, energySvg, trajectoriesSvg } from "./render.ts";
import { pairFrames, type Rollout } from "./rollout.ts";

/** Control steps whose landscapes show both goals being sought: before the turn at about step 22, around it, and after. */
const SHOWN_STEPS = [0, 10, 18, 22, 26, 32, 40, 49];
const RESOLUTION = 64;
/** More are no clearer. An episode is the same, however many there are. */
const MOST_EPISODES = 20;

/** A trained model to be looked at. */
export interface Seen {
  readonly model: Model;
  readonly options: PolicyOptions;
  readonly normalizer: Normalizer;
}

/**
 * SVG pictures by file name: closed-loop episodes, and for an implicit policy in 2-D the energy landscapes along the
 * first of them.
 */
export async function particlePictures(
  seen: Seen,
  params: Tree,
  predict: Predict,
  evaluation: EvaluationOptions,
): Promise<Record<string, string>> {
  const episodes = Math.min(MOST_EPISODES, evaluation.episodes);
  const rollout = await rollOutModel(predict, seen.options, { ...evaluation, episodes });
  const { dims, policy } = seen.options;
  return {
    "trajectories.svg": trajectoriesSvg(rollout, evaluation.episodes),
    ...(dims === 2 && policy === "implicit" ? { "energy.svg": energySvg(0, panelsOf(seen, params, rollout, 0)) } : {}),
  };
}

function panelsOf({ model, normalizer }: Seen, params: Tree, rollout: Rollout, episode: number): EnergyPanel[] {
  const point = (values: Float64Array) => [values[2 * episode]!, values[2 * episode + 1]!] as const;
  const observed = (step: number): Float64Array => {
    const position = rollout.positions[step]!;
    const velocity = rollout.velocities[step]!;
    return observeParticles({ ...rollout.last, position, velocity }).subarray(8 * episode, 8 * episode + 8);
  };
  return SHOWN_STEPS.filter((step) => step < rollout.steps).map((step) => {
    const window = pairFrames(observed(Math.max(0, step - 1)), observed(step), 1);
    return {
      caption: `step ${step}`,
      landscape: energyLandscape(model, params, normalizer, window, RESOLUTION),
      path: rollout.positions.slice(0, step + 1).map(point),
      firstGoal: point(rollout.last.firstGoal),
      secondGoal: point(rollout.last.secondGoal),
      action: point(rollout.actions[step]!),
    };
  });
}
