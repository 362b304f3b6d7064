import { errors } from "../../../core/errors.ts";
import { constant, cosine, exponential, linear, piecewise, type Schedule } from "../../../core/schedule.ts";

export interface ScheduleOptions {
  readonly kind: "constant" | "linear" | "cosine" | "exponential" | "piecewise";
  readonly warmupSteps: number;
  readonly minLr: number;
  readonly steps: number | null;
  readonly decay: number;
  readonly every: number;
  readonly staircase: boolean;
  readonly boundaries: readonly number[];
  readonly factors: readonly number[];
}

/** The factor of the peak rate, from options. `runSteps` is the run's length; linear and cosine need one of the two. */
export function buildSchedule(options: ScheduleOptions, peak: number, runSteps: number | null): Schedule {
  const { kind, warmupSteps, minLr, decay, every, staircase, boundaries, factors } = options;
  const wrong = (option: string, problem: string) => errors.MF_OPTION({ plugin: "schedule", option, problem });
  const length = (): number => {
    const steps = options.steps ?? runSteps;
    if (steps === null) throw wrong("steps", `a ${kind} schedule needs a length; set train.steps or schedule.steps`);
    return steps;
  };
  if (minLr > peak) throw wrong("minLr", `${minLr} is above the peak learning rate ${peak}`);
  switch (kind) {
    case "constant":
      return constant(warmupSteps);
    case "linear":
      return linear(length(), warmupSteps, minLr / peak);
    case "cosine":
      return cosine(length(), warmupSteps, minLr / peak);
    case "exponential":
      return exponential(decay, every, staircase, warmupSteps);
    case "piecewise":
      if (factors.length !== boundaries.length + 1) throw wrong("factors", "it needs one factor more than boundaries");
      if (boundaries.some((b, i) => i > 0 && b <= boundaries[i - 1]!)) throw wrong("boundaries", "they must increase");
      if (warmupSteps > 0) throw wrong("warmupSteps", "a piecewise schedule has none; make it the first factor");
      return piecewise(boundaries, factors);
  }
}
