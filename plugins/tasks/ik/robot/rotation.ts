/** Rotations in float64. Quaternions are (w, x, y, z); matrices are row-major; q and −q are the same rotation. */

export type Vector3 = readonly [number, number, number];
export type Quaternion = readonly [w: number, x: number, y: number, z: number];
/** Row-major 3×3. */
export type Matrix3 = readonly [number, number, number, number, number, number, number, number, number];

/** Where a frame is (metres) and how it is turned. */
export interface Pose {
  readonly position: Vector3;
  readonly quaternion: Quaternion;
}

/** `a ⊗ b`: first b, then a. */
export const multiply = (a: Quaternion, b: Quaternion): Quaternion => [
  a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
  a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
  a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
  a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
];

/** The inverse of a unit quaternion. */
export const conjugate = ([w, x, y, z]: Quaternion): Quaternion => [w, -x, -y, -z];

/** Unit length, sign kept. The zero quaternion becomes the identity. */
export function normalize([w, x, y, z]: Quaternion): Quaternion {
  const length = Math.hypot(w, x, y, z);
  return length === 0 ? [1, 0, 0, 0] : [w / length, x / length, y / length, z / length];
}

/** Below this |w|, the sign of w is rounding noise and the next component decides. */
const HALF_TURN = 1e-9;

/** −1 when `canonical` flips the sign, else 1. */
function canonicalSign(w: number, x: number, y: number, z: number): 1 | -1 {
  const leading = Math.abs(w) > HALF_TURN ? w : Math.abs(x) > HALF_TURN ? x : Math.abs(y) > HALF_TURN ? y : z;
  return leading < 0 ? -1 : 1;
}

/** Of q and −q, the one with w > 0; when w ≈ 0, the one whose first non-zero component is positive. */
export function canonical([w, x, y, z]: Quaternion): Quaternion {
  const sign = canonicalSign(w, x, y, z);
  // Adding zero turns −0 into 0.
  return [sign * w + 0, sign * x + 0, sign * y + 0, sign * z + 0];
}

/** Fixed-axis roll, pitch, yaw, as in URDF: Rz(yaw)·Ry(pitch)·Rx(roll). */
export function matrixFromRpy([roll, pitch, yaw]: Vector3): Matrix3 {
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  return [
    cy * cp,
    cy * sp * sr - sy * cr,
    cy * sp * cr + sy * sr,
    sy * cp,
    sy * sp * sr + cy * cr,
    sy * sp * cr - cy * sr,
    -sp,
    cp * sr,
    cp * cr,
  ];
}

/** Of a unit quaternion. */
export function matrixFromQuaternion([w, x, y, z]: Quaternion): Matrix3 {
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}

/** Canonical quaternion of a rotation matrix, by Shepperd's method (1978): divides by the largest component. */
export function quaternionFromMatrix(m: Matrix3): Quaternion {
  const out = new Float64Array(4);
  writeQuaternion(m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], out, 0);
  return [out[0]!, out[1]!, out[2]!, out[3]!];
}

/** `quaternionFromMatrix` from nine numbers into `out[at …]`, allocating nothing. */
export function writeQuaternion(
  m00: number,
  m01: number,
  m02: number,
  m10: number,
  m11: number,
  m12: number,
  m20: number,
  m21: number,
  m22: number,
  out: Float64Array | Float32Array,
  at: number,
): void {
  const trace = m00 + m11 + m22;
  let w: number;
  let x: number;
  let y: number;
  let z: number;
  if (trace >= m00 && trace >= m11 && trace >= m22) {
    w = 1 + trace;
    x = m21 - m12;
    y = m02 - m20;
    z = m10 - m01;
  } else if (m00 >= m11 && m00 >= m22) {
    w = m21 - m12;
    x = 1 + m00 - m11 - m22;
    y = m01 + m10;
    z = m02 + m20;
  } else if (m11 >= m22) {
    w = m02 - m20;
    x = m01 + m10;
    y = 1 - m00 + m11 - m22;
    z = m12 + m21;
  } else {
    w = m10 - m01;
    x = m02 + m20;
    y = m12 + m21;
    z = 1 - m00 - m11 + m22;
  }
  // The largest component is at least 1 before scaling, so the half-turn test means the same here.
  const scale = canonicalSign(w, x, y, z) / Math.sqrt(w * w + x * x + y * y + z * z);
  out[at] = w * scale + 0;
  out[at + 1] = x * scale + 0;
  out[at + 2] = y * scale + 0;
  out[at + 3] = z * scale + 0;
}

/** Axis times angle in (−π, π] of a unit quaternion: the shorter way round. */
export function rotationVector(q: Quaternion): Vector3 {
  const sign = q[0] < 0 ? -1 : 1;
  const sine = Math.hypot(q[1], q[2], q[3]);
  // 2·atan2(s, w)/s → 2 as s → 0 with w → 1.
  const scale = sine < 1e-12 ? 2 * sign : (sign * 2 * Math.atan2(sine, Math.abs(q[0]))) / sine;
  return [scale * q[1], scale * q[2], scale * q[3]];
}

/** The inverse of `rotationVector`: axis times angle to a quaternion. */
export function quaternionFromVector([x, y, z]: Vector3): Quaternion {
  const angle = Math.hypot(x, y, z);
  const scale = angle < 1e-12 ? 0.5 : Math.sin(angle / 2) / angle;
  return [Math.cos(angle / 2), scale * x, scale * y, scale * z];
}

/** Angle between two rotations in [0, π]: 2·atan2(‖vec(a ⊗ b⁻¹)‖, |w|), exact near zero where 2·acos|⟨a,b⟩| is not. */
export function orientationErrorRad(a: Quaternion, b: Quaternion): number {
  const [w, x, y, z] = multiply(a, conjugate(b));
  return 2 * Math.atan2(Math.hypot(x, y, z), Math.abs(w));
}
