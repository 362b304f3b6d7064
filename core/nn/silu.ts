import * as tf from "@tensorflow/tfjs-core";

/** x·σ(x), also called swish (Elfwing et al. 2018). */
export const silu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(x));

/** The derivative of silu, σ(x)·(1 + x·(1 − σ(x))). */
export function siluSlope(x: tf.Tensor): tf.Tensor {
  const gate = tf.sigmoid(x);
  return tf.mul(gate, tf.add(tf.mul(x, tf.sub(1, gate)), 1));
}
