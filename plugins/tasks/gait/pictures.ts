import { compareMotions } from "./accuracy.ts";
import type { Motions } from "./data/source.ts";
import { jointChart } from "./joint-chart.ts";
import { MOTION_WIDTH, SAMPLES, SAMPLES_PER_CYCLE } from "./motion/layout.ts";
import { defaultParams, normalizedParamState, type ParameterSpace } from "./parameters/space.ts";
import { limbScales } from "./skeleton/body.ts";
import { renderCycle } from "./skeleton/render.ts";

/** Predicted cycles `[N, 30, 101]`, and the motions they should be. */
export interface Predicted {
  readonly cycles: Float32Array;
  readonly motions: Motions;
}

/**
 * SVG pictures by file name: cycles beside their targets, of the healthiest walker, of a middling and of the largest error,
 * and the errors of joints as bars.
 */
export function cyclePictures(
  { cycles, motions }: Predicted,
  space: ParameterSpace,
  synthetic: boolean,
): Record<string, string> {
  const errors = compareMotions(cycles, motions);
  const byError = Array.from(errors.byMotion.keys()).sort((a, b) => errors.byMotion[a]! - errors.byMotion[b]!);
  const scalesOf = limbScales(space);
  const width = space.parameters.length;
  const picture = (words: string, row: number): string =>
    renderCycle({
      title: `${words} of ${motions.count} held-out motions, joints wrong by ${errors.byMotion[row]!.toFixed(2)}°`,
      target: motionAt(motions.motions, row, SAMPLES),
      predicted: motionAt(cycles, row, SAMPLES_PER_CYCLE),
      scales: scalesOf(motions.params, row * width),
      cadence: cadenceOf(space, motions.params, row * width),
      synthetic,
    });
  return {
    "cycle-healthiest.svg": picture("Healthiest", healthiest(space, motions)),
    "cycle-median.svg": picture("Median error", byError[Math.floor(byError.length / 2)]!),
    "cycle-worst.svg": picture("Largest error", byError.at(-1)!),
    "joint-errors.svg": jointChart(errors.byJoint, synthetic),
  };
}

const motionAt = (motions: Float32Array, row: number, samples: number): Float32Array =>
  motions.subarray(row * samples * MOTION_WIDTH, (row + 1) * samples * MOTION_WIDTH);

/** Cycles a second, one at cadence 1. */
export function cadenceOf({ parameters }: ParameterSpace, params: Float32Array, at: number): number {
  const index = parameters.findIndex(({ name }) => name === "gait_cadence");
  return index < 0 ? 1 : params[at + index]!;
}

/** The motion whose parameters are nearest to the defaults, in shares of their ranges. */
function healthiest(space: ParameterSpace, { params, count }: Motions): number {
  const healthy = normalizedParamState(space, defaultParams(space));
  const shares = normalizedParamState(space, params);
  const distances = new Float64Array(count);
  for (let i = 0; i < shares.length; i++) {
    distances[Math.floor(i / healthy.length)]! += (shares[i]! - healthy[i % healthy.length]!) ** 2;
  }
  return distances.indexOf(Math.min(...distances));
}
