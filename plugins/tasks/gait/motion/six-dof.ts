import { JOINTS, type JointKind, MOTION_WIDTH } from "./layout.ts";
import { rotationVector, writeExponential } from "./rotation.ts";

/** Degrees of freedom of a pose: rotation vector and translation of the root, rotation vectors, angles (rad, m). */
export const POSITIONS_WIDTH = 56;

const FREEDOMS: Readonly<Record<JointKind, number>> = { root: 6, ball: 3, revolute: 1 };

/**
 * A pose's positions `[56]` as channels `[101]`: each rotation becomes the first two rows of its matrix (upstream's
 * `posToSixDof`). The root's translation is passed on: in a motion, it is displacement, height, displacement.
 */
export function posToSixDof(positions: ArrayLike<number>): Float64Array {
  const channels = new Float64Array(MOTION_WIDTH);
  const rotation = new Float64Array(9);
  let from = 0;
  for (const { kind, offset } of JOINTS) {
    if (kind === "revolute") {
      channels[offset] = positions[from]!;
    } else {
      writeExponential(positions[from]!, positions[from + 1]!, positions[from + 2]!, rotation, 0);
      channels.set(rotation.subarray(0, 6), offset);
    }
    if (kind === "root") for (let k = 0; k < 3; k++) channels[offset + 6 + k] = positions[from + 3 + k]!;
    from += FREEDOMS[kind];
  }
  return channels;
}

/** The inverse of `posToSixDof`, for angles up to half a turn. Rows need not be orthonormal: see `writeRotation`. */
export function sixDofToPos(channels: ArrayLike<number>): Float64Array {
  const positions = new Float64Array(POSITIONS_WIDTH);
  const rotation = new Float64Array(9);
  let to = 0;
  for (const { kind, offset } of JOINTS) {
    if (kind === "revolute") {
      positions[to] = channels[offset]!;
    } else {
      writeRotation(channels, offset, rotation, 0);
      positions.set(rotationVector(rotation, 0), to);
    }
    if (kind === "root") for (let k = 0; k < 3; k++) positions[to + 3 + k] = channels[offset + 6 + k]!;
    to += FREEDOMS[kind];
  }
  return positions;
}

/** Rows shorter than this, or closer to parallel, give no direction. */
const DEGENERATE = 1e-9;

/**
 * The rotation whose first two rows a network may have predicted: v1 = row1/|row1|, v3 = v1×row2/|v1×row2|, v2 =
 * v3×v1; the rows of R are v1, v2, v3. Where rows give no direction (no length, or parallel), the axes of the identity
 * stand in, so that every finite prediction has a rotation; what is not finite stays so. Nine numbers go to `out`,
 * row-major.
 */
export function writeRotation(channels: ArrayLike<number>, at: number, out: Float64Array, outAt: number): void {
  let [ax, ay, az] = [channels[at]!, channels[at + 1]!, channels[at + 2]!];
  let length = Math.sqrt(ax * ax + ay * ay + az * az);
  if (length < DEGENERATE) [ax, ay, az, length] = [1, 0, 0, 1];
  ax /= length;
  ay /= length;
  az /= length;

  let [bx, by, bz] = [channels[at + 3]!, channels[at + 4]!, channels[at + 5]!];
  let cx = ay * bz - az * by;
  let cy = az * bx - ax * bz;
  let cz = ax * by - ay * bx;
  length = Math.sqrt(cx * cx + cy * cy + cz * cz);
  if (length < DEGENERATE) {
    // The identity's second row, or its third where the first row is along the second.
    [bx, by, bz] = Math.abs(ay) < 0.9 ? [0, 1, 0] : [0, 0, 1];
    cx = ay * bz - az * by;
    cy = az * bx - ax * bz;
    cz = ax * by - ay * bx;
    length = Math.sqrt(cx * cx + cy * cy + cz * cz);
  }
  cx /= length;
  cy /= length;
  cz /= length;

  out[outAt] = ax;
  out[outAt + 1] = ay;
  out[outAt + 2] = az;
  out[outAt + 3] = cy * az - cz * ay;
  out[outAt + 4] = cz * ax - cx * az;
  out[outAt + 5] = cx * ay - cy * ax;
  out[outAt + 6] = cx;
  out[outAt + 7] = cy;
  out[outAt + 8] = cz;
}
