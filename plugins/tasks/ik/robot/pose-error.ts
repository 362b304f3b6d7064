import type { Chain } from "./chain.ts";
import { forwardKinematicsBatch, type Poses, poseAt } from "./kinematics.ts";
import { orientationErrorRad, type Pose } from "./rotation.ts";

/** Both must hold for a pose to count as reached. */
export const SUCCESS = { position_error_mm: 5, orientation_error_deg: 5 } as const;

/** ‖p_a − p_b‖ in millimetres. */
export const positionErrorMm = (a: Pose, b: Pose): number =>
  1000 * Math.hypot(a.position[0] - b.position[0], a.position[1] - b.position[1], a.position[2] - b.position[2]);

/** Angle between the orientations in degrees, in [0, 180]. The quaternions must have unit length. */
export const orientationErrorDeg = (a: Pose, b: Pose): number =>
  (orientationErrorRad(a.quaternion, b.quaternion) * 180) / Math.PI;

/** One error for each pose, `[B]`. */
export interface PoseErrors {
  readonly position_error_mm: Float64Array;
  readonly orientation_error_deg: Float64Array;
}

/** How far the tip at `q` `[B, dof]` is from `targets`. */
export function poseErrors(chain: Chain, q: Float64Array | Float32Array, targets: Poses): PoseErrors {
  const reached = forwardKinematicsBatch(chain, q);
  const count = reached.positions.length / 3;
  const position_error_mm = new Float64Array(count);
  const orientation_error_deg = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const [is, wanted] = [poseAt(reached, row), poseAt(targets, row)];
    position_error_mm[row] = positionErrorMm(is, wanted);
    orientation_error_deg[row] = orientationErrorDeg(is, wanted);
  }
  return { position_error_mm, orientation_error_deg };
}

/** Means, medians and 95th percentiles, and the fraction (0…1) of poses within `SUCCESS`. */
export interface PoseErrorSummary {
  readonly position_error_mm: number;
  readonly position_error_mm_median: number;
  readonly position_error_mm_p95: number;
  readonly orientation_error_deg: number;
  readonly orientation_error_deg_median: number;
  readonly orientation_error_deg_p95: number;
  readonly success: number;
}

/** Summary statistics of pose errors, under the names metrics carry. A NaN error is a failure, and makes the mean NaN. */
export function summarizePoseErrors(errors: PoseErrors): PoseErrorSummary {
  const { position_error_mm: mm, orientation_error_deg: deg } = errors;
  const [mmSorted, degSorted] = [mm.toSorted(), deg.toSorted()];
  let reached = 0;
  for (let row = 0; row < mm.length; row++) {
    if (mm[row]! < SUCCESS.position_error_mm && deg[row]! < SUCCESS.orientation_error_deg) reached++;
  }
  return {
    position_error_mm: mean(mm),
    position_error_mm_median: quantile(mmSorted, 0.5),
    position_error_mm_p95: quantile(mmSorted, 0.95),
    orientation_error_deg: mean(deg),
    orientation_error_deg_median: quantile(degSorted, 0.5),
    orientation_error_deg_p95: quantile(degSorted, 0.95),
    success: reached / mm.length,
  };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Linear between the two nearest ranks, as NumPy's default. */
function quantile(sorted: Float64Array, at: number): number {
  const rank = at * (sorted.length - 1);
  const low = Math.floor(rank);
  const below = sorted[low] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (rank - low) * (above - below);
}
