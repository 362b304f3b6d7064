import * as tf from "@tensorflow/tfjs-core";

/**
 * InfoNCE of energies `[B, n + 1]` whose last column is the positive: the mean of −log softmax(−E/τ) there
 * (van den Oord et al. 2018; Florence et al. 2021).
 */
export function infoNce(energies: tf.Tensor, temperature: number): tf.Scalar {
  const logits = tf.div(energies, -temperature);
  const positive = tf.slice(logits, [0, logits.shape[1]! - 1], [-1, 1]);
  return tf.mean(tf.sub(tf.logSumExp(logits, 1, true), positive));
}
