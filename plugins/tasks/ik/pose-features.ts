import * as tf from "@tensorflow/tfjs-core";
import type { Chain } from "./robot/chain.ts";
import { forwardKinematicsTensor } from "./robot/fk-tensor.ts";

/**
 * The pose error of joints q `[B, D]` towards pose `[B, 7]`, seen from the tip: `[B, 6]` = [Rᵀ(p* − p) in m;
 * sin(angle)·axis of RᵀR*]. Seen from there it does not change when the whole arm turns about its base, so one joint
 * fewer decides which displacement removes it.
 */
export function tipErrorTensor(chain: Chain, q: tf.Tensor, pose: tf.Tensor): tf.Tensor {
  const { position, rotation } = forwardKinematicsTensor(chain, q);
  const offset = tf.sub(tf.slice(pose, [0, 0], [-1, 3]), position);
  const target = tf.reshape(rotationOf(tf.slice(pose, [0, 3], [-1, 4])), [-1, 3, 3]);
  const wanted = tf.concat([target, tf.reshape(offset, [-1, 3, 1])], 2);
  const seen = tf.matMul(tf.reshape(rotation, [-1, 3, 3]), wanted, true, false);
  return tf.matMul(tf.reshape(seen, [-1, 12]) as tf.Tensor2D, tf.tensor2d(errorOfSeen, [12, 6]));
}

// Rows: the entries of [RᵀR* | Rᵀ(p* − p)], row-major 3×4. The axial vector of a rotation is half of its antisymmetric part.
const errorOfSeen = matrix(12, 6, [
  [3, 0, 1],
  [7, 1, 1],
  [11, 2, 1],
  [9, 3, 0.5],
  [6, 3, -0.5],
  [2, 4, 0.5],
  [8, 4, -0.5],
  [4, 5, 0.5],
  [1, 5, -0.5],
]);

/** Rotation matrices `[B, 9]`, row-major, of unit quaternions `[B, 4]`: linear in the products of their components. */
function rotationOf(quaternion: tf.Tensor): tf.Tensor {
  const products = tf.mul(tf.reshape(quaternion, [-1, 4, 1]), tf.reshape(quaternion, [-1, 1, 4]));
  return tf.matMul(tf.reshape(products, [-1, 16]) as tf.Tensor2D, tf.tensor2d(rotationOfProducts, [16, 9]));
}

const [ww, wx, wy, wz, xx, xy, xz, yy, yz, zz] = [0, 1, 2, 3, 5, 6, 7, 10, 11, 15] as const;
const diagonal = (entry: number, plus: number, [a, b]: readonly [number, number]) =>
  [
    [ww, entry, 1],
    [plus, entry, 1],
    [a, entry, -1],
    [b, entry, -1],
  ] as const;
const rotationOfProducts = matrix(16, 9, [
  ...diagonal(0, xx, [yy, zz]),
  [xy, 1, 2],
  [wz, 1, -2],
  [xz, 2, 2],
  [wy, 2, 2],
  [xy, 3, 2],
  [wz, 3, 2],
  ...diagonal(4, yy, [xx, zz]),
  [yz, 5, 2],
  [wx, 5, -2],
  [xz, 6, 2],
  [wy, 6, -2],
  [yz, 7, 2],
  [wx, 7, 2],
  ...diagonal(8, zz, [xx, yy]),
]);

function matrix(rows: number, columns: number, entries: readonly (readonly [number, number, number])[]): Float32Array {
  const out = new Float32Array(rows * columns);
  for (const [row, column, value] of entries) out[row * columns + column] = value;
  return out;
}
