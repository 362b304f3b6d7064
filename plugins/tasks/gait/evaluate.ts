import type { Evaluator, Predict } from "../../../core/task.ts";
import { compareMotions, type MotionErrors } from "./accuracy.ts";
import { baselines } from "./baselines.ts";
import type { Motions } from "./data/source.ts";
import { cycleInputs } from "./inference.ts";
import { JOINTS } from "./motion/layout.ts";
import type { ParameterSpace } from "./parameters/space.ts";
import { cyclePictures } from "./pictures.ts";

export interface EvaluationOptions {
  readonly space: ParameterSpace;
  /** Adds the error of each joint. */
  readonly joints: boolean;
  /** Held-out motions, and such that a baseline may see. */
  motions(): Promise<Motions>;
  seen(): Promise<Motions>;
  /** Whether the motions were generated, for the pictures' titles. */
  synthetic(): boolean | null;
}

/** The model's cycles `[N, 30, 101]` for the parameters of motions. */
export const predictCycles = async (predict: Predict, { parameters }: ParameterSpace, { params }: Motions) =>
  (await predict(cycleInputs(params, parameters.length)))["motion"]!.data as Float32Array;

/** Errors on held-out motions; the baselines predict the same ones from training motions. */
export function motionEvaluator(options: EvaluationOptions): Evaluator {
  const { space, joints } = options;
  const report = ({ summary, byJoint }: MotionErrors): Record<string, number> => ({
    ...summary,
    ...(joints ? Object.fromEntries(JOINTS.map(({ name }, j) => [`joint_error_deg_${name}`, byJoint[j]!])) : {}),
  });
  return {
    name: "motions",
    async evaluate(_, predict) {
      const motions = await options.motions();
      return report(compareMotions(await predictCycles(predict, space, motions), motions));
    },
    async render(_, predict) {
      const motions = await options.motions();
      const cycles = await predictCycles(predict, space, motions);
      return cyclePictures({ cycles, motions }, space, options.synthetic() === true);
    },
    async baselines() {
      const [motions, seen] = await Promise.all([options.motions(), options.seen()]);
      return Object.fromEntries(
        Object.entries(baselines).map(([name, predicted]) => [
          name,
          report(compareMotions(predicted(space, seen, motions), motions)),
        ]),
      );
    },
  };
}
