import * as tf from "@tensorflow/tfjs-core";

/**
 * (x − mean) / √(variance + ε) over the last axis, without gain and bias: `[B, H]` → `[B, H]` (Ba et al. 2016). What
 * follows it here, FiLM or a linear layer, has its own.
 */
export function layerNorm(x: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
}
