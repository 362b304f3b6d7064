import * as tf from "@tensorflow/tfjs-core";

/**
 * Weights `[d, m]` that minimise ‖X·W − Y‖² + λ‖W‖² for X `[n, d]` and Y `[n, m]`: (XᵀX + λI)⁻¹·XᵀY. λ > 0 makes the matrix
 * positive definite.
 */
export function ridge(x: tf.Tensor2D, y: tf.Tensor2D, lambda: number): tf.Tensor2D {
  const d = x.shape[1];
  const gram = Float64Array.from(tf.matMul(x, x, true).dataSync());
  for (let i = 0; i < d; i++) gram[i * d + i]! += lambda;
  const inverse = tf.tensor2d(Float32Array.from(inverseOf(gram, d)), [d, d]);
  return tf.matMul(inverse, tf.matMul(x, y, true));
}

/** The inverse of a positive definite matrix, of which A's lower triangle is taken, and overwritten. */
function inverseOf(a: Float64Array, d: number): Float64Array {
  factorize(a, d);
  const rows = new Float64Array(d * d);
  for (let i = 0; i < d; i++) rows[i * d + i] = 1;
  // L·Z = I, then Lᵀ·A⁻¹ = Z.
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) subtractRow(rows, d, i, a[i * d + j]!, j);
    divideRow(rows, d, i, a[i * d + i]!);
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let j = i + 1; j < d; j++) subtractRow(rows, d, i, a[j * d + i]!, j);
    divideRow(rows, d, i, a[i * d + i]!);
  }
  return rows;
}

/** The lower triangle of A becomes L with L·Lᵀ = A (Cholesky). */
function factorize(a: Float64Array, d: number): void {
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * d + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * d + k]! * a[j * d + k]!;
      a[i * d + j] = i === j ? Math.sqrt(sum) : sum / a[j * d + j]!;
    }
  }
}

function subtractRow(rows: Float64Array, d: number, at: number, factor: number, other: number): void {
  for (let k = 0; k < d; k++) rows[at * d + k]! -= factor * rows[other * d + k]!;
}

function divideRow(rows: Float64Array, d: number, at: number, divisor: number): void {
  for (let k = 0; k < d; k++) rows[at * d + k]! /= divisor;
}
