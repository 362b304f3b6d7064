import * as tf from "@tensorflow/tfjs-core";
import { createStream } from "../random.ts";

/** `count` angular frequencies in geometric steps from `max` down to `min`, in radians per unit of the input. */
export function geometricFrequencies(count: number, min: number, max: number): Float32Array {
  return Float32Array.from({ length: count }, (_, k) => (count === 1 ? max : max * (min / max) ** (k / (count - 1))));
}

/** [cos(xF), sin(xF)]: `[B, D]`·`[D, K]` → `[B, 2K]`. For times, F is one row of frequencies (Vaswani et al. 2017). */
export function sinusoidFeatures(x: tf.Tensor, frequencies: Float32Array): tf.Tensor {
  const inputs = x.shape[1]!;
  const phase = tf.matMul(x as tf.Tensor2D, tf.tensor2d(frequencies, [inputs, frequencies.length / inputs]));
  return tf.concat([tf.cos(phase), tf.sin(phase)], 1);
}

/**
 * The fixed matrix `[D, K]` of random Fourier features, N(0, scale²) (Tancik et al. 2020). It depends on its shape and
 * scale alone, so a configuration rebuilds it and no checkpoint need hold it.
 */
export const randomFrequencies = (inputs: number, count: number, scale: number): Float32Array =>
  createStream(0, "fourier-features").normals(inputs * count, 0, scale);
