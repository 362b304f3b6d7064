import { type Matrix3, matrixFromQuaternion, type Pose, type Vector3 } from "./rotation.ts";

/** A rigid transform as the first three rows of its 4×4 matrix, row-major: twelve numbers, [R | p]. */
export type Transform = Float64Array;

export const transform = (r: Matrix3, [x, y, z]: Vector3): Transform =>
  Float64Array.of(r[0], r[1], r[2], x, r[3], r[4], r[5], y, r[6], r[7], r[8], z);

export const identity = (): Transform => transform([1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]);

export const transformOfPose = (pose: Pose): Transform =>
  transform(matrixFromQuaternion(pose.quaternion), pose.position);

/** a·b: b is given in a's frame. */
export function compose(a: Transform, b: Transform): Transform {
  const out = new Float64Array(12);
  for (let row = 0; row < 12; row += 4) {
    for (let column = 0; column < 4; column++) {
      out[row + column] =
        a[row]! * b[column]! +
        a[row + 1]! * b[column + 4]! +
        a[row + 2]! * b[column + 8]! +
        (column === 3 ? a[row + 3]! : 0);
    }
  }
  return out;
}

/** The rotation that turns z onto `axis` (unit length) the shortest way; exactly the identity for z itself. */
export function zOnto([x, y, z]: Vector3): Transform {
  if (z < -1 + 1e-12) return transform([1, 0, 0, 0, -1, 0, 0, 0, -1], [0, 0, 0]);
  // Rodrigues' formula for the axis (−y, x, 0), written without its sine.
  const k = 1 / (1 + z);
  return transform([1 - x * x * k, -x * y * k, x, -x * y * k, 1 - y * y * k, y, -x, -y, z], [0, 0, 0]);
}

/** The inverse of a pure rotation. */
export const transposed = (r: Transform): Transform =>
  transform([r[0]!, r[4]!, r[8]!, r[1]!, r[5]!, r[9]!, r[2]!, r[6]!, r[10]!], [0, 0, 0]);
