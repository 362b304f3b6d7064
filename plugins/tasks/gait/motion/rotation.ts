/** Rotation matrices in float64, row-major, nine numbers at `at` of an array. */

/** exp of a rotation vector (axis times angle, rad), by Rodrigues' formula. */
export function writeExponential(x: number, y: number, z: number, out: Float64Array, at: number): void {
  const angle = Math.sqrt(x * x + y * y + z * z);
  // sin θ/θ and (1 − cos θ)/θ², by their series where the quotients lose digits.
  const small = angle < 1e-4;
  const s = small ? 1 - (angle * angle) / 6 : Math.sin(angle) / angle;
  const half = Math.sin(angle / 2) / angle;
  const c = small ? 0.5 - (angle * angle) / 24 : 2 * half * half;
  const cos = 1 - c * angle * angle;
  out[at] = cos + c * x * x;
  out[at + 1] = c * x * y - s * z;
  out[at + 2] = c * x * z + s * y;
  out[at + 3] = c * x * y + s * z;
  out[at + 4] = cos + c * y * y;
  out[at + 5] = c * y * z - s * x;
  out[at + 6] = c * x * z - s * y;
  out[at + 7] = c * y * z + s * x;
  out[at + 8] = cos + c * z * z;
}

/** log of a rotation matrix: axis times angle in [0, π], through its quaternion, which is stable up to half a turn. */
export function rotationVector(m: Float64Array, at: number): [x: number, y: number, z: number] {
  const [xx, yy, zz] = [m[at]!, m[at + 4]!, m[at + 8]!];
  // Shepperd 1978: four times the squares of w, x, y, z; the rest follows from the largest.
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz];
  const largest = squares.indexOf(Math.max(...squares));
  const [a, b, c] = [m[at + 7]! - m[at + 5]!, m[at + 2]! - m[at + 6]!, m[at + 3]! - m[at + 1]!];
  const [p, q, r] = [m[at + 3]! + m[at + 1]!, m[at + 2]! + m[at + 6]!, m[at + 7]! + m[at + 5]!];
  const rows = [
    [squares[0]!, a, b, c],
    [a, squares[1]!, p, q],
    [b, p, squares[2]!, r],
    [c, q, r, squares[3]!],
  ];
  const [w, x, y, z] = rows[largest]! as [number, number, number, number];
  const sine = Math.hypot(x, y, z);
  const sign = w < 0 ? -1 : 1;
  const scale = sine === 0 ? 0 : (sign * 2 * Math.atan2(sine, Math.abs(w))) / sine;
  return [scale * x, scale * y, scale * z];
}

/** `out = a · b`, nine numbers each; `out` is neither of them. */
export function writeProduct(
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let row = 0; row < 9; row += 3) {
    const x = a[aAt + row]!;
    const y = a[aAt + row + 1]!;
    const z = a[aAt + row + 2]!;
    for (let column = 0; column < 3; column++) {
      out[outAt + row + column] = x * b[bAt + column]! + y * b[bAt + 3 + column]! + z * b[bAt + 6 + column]!;
    }
  }
}
