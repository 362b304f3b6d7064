import { type Clip2d, colorMap, type Figure2d, type Frame2d, rounded } from "../../../core/report/figure.ts";
import type { Predict } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";
import { GOAL_DISTANCE, observeParticles } from "./environment.ts";
import { type EvaluationOptions, rollOutModel } from "./evaluate.ts";
import { energyLandscape } from "./landscape.ts";
import type { Seen } from "./pictures.ts";
import { pairFrames, type Rollout, succeeded } from "./rollout.ts";

/** More are no clearer; of an implicit policy each has a landscape a step. */
const EPISODES = 4;
const RESOLUTION = 40;
const CONTROL_STEP_S = 0.05;

/**
 * Closed-loop episodes as they go; of an implicit policy in 2-D with the energies of all setpoints at each step. Beyond two
 * dimensions the first two are drawn.
 */
export async function episodeFigure(
  seen: Seen,
  params: Tree,
  predict: Predict,
  evaluation: EvaluationOptions,
): Promise<Figure2d> {
  const episodes = Math.min(EPISODES, evaluation.episodes);
  const rollout = await rollOutModel(predict, seen.options, { ...evaluation, episodes });
  const axis = (label: string) => ({ label, min: 0, max: 1 });
  return {
    kind: "figure2d",
    x: axis("x"),
    y: axis("y"),
    clips: Array.from({ length: episodes }, (_, episode) => clipOf(seen, params, rollout, episode)),
  };
}

function clipOf(seen: Seen, params: Tree, rollout: Rollout, episode: number): Clip2d {
  const { dims, policy } = seen.options;
  const { last, positions, actions, steps } = rollout;
  const point = (values: Float64Array) => {
    const [x, y] = rounded(values.subarray(episode * dims, episode * dims + 2));
    return { x: x!, y: y! };
  };
  const goal = (label: string, values: Float64Array, ink: "x" | "target") => ({
    ...point(values),
    label,
    ink,
    radius: GOAL_DISTANCE,
  });
  const maps = dims === 2 && policy === "implicit";
  const frames = Array.from({ length: steps }, (_, step): Frame2d => {
    const chosen = point(actions[step]!);
    return {
      caption: `Step ${step}: drawn to the cross${maps ? ", where the energy of setpoints is low" : ""}`,
      crosses: [{ ...chosen, ink: "x" }],
      ...(maps ? { map: mapAt(seen, params, rollout, episode, step) } : {}),
    };
  });
  return {
    title: `Episode ${episode}`,
    note: succeeded(last)[episode] ? "Reached both goals and ended at the second." : "Did not end at the second goal.",
    interval_s: CONTROL_STEP_S,
    marks: [goal("goal 1", last.firstGoal, "target"), goal("goal 2", last.secondGoal, "x")],
    path: positions.flatMap((values) => Object.values(point(values))),
    frames,
  };
}

function mapAt({ model, normalizer }: Seen, params: Tree, rollout: Rollout, episode: number, step: number) {
  const observed = (at: number): Float64Array => {
    const now = { ...rollout.last, position: rollout.positions[at]!, velocity: rollout.velocities[at]! };
    return observeParticles(now).subarray(8 * episode, 8 * episode + 8);
  };
  const window = pairFrames(observed(Math.max(0, step - 1)), observed(step), 1);
  return colorMap(energyLandscape(model, params, normalizer, window, RESOLUTION).energies, RESOLUTION);
}
