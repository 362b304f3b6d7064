import * as tf from "@tensorflow/tfjs-core";

/** x·σ(x), also called swish (Elfwing et al. 2018). */
export const silu = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(x));
