import * as tf from "@tensorflow/tfjs-core";
import type { StepRandom } from "../../../core/state.ts";
import { type Box, clipTo } from "./box.ts";
import { type Energy, lowestEnergy } from "./energy.ts";
import type { DerivativeFreeOptions } from "./options.ts";

/**
 * The action of lowest energy found without derivatives, `[B, N]`: evaluate `start` `[B, n, N]`; then, as often as is
 * left, resample with the probabilities softmax(−E), add N(0, σ²), clip to the box and evaluate again, σ shrinking.
 * (Florence et al. 2021, `iterative_dfo`, which returns samples that were resampled after the last evaluation; this
 * returns the best of all that were evaluated.) Reads values, so it is for inference and not for a training step.
 */
export function derivativeFree(
  energy: Energy,
  start: tf.Tensor,
  { iterations, noise, shrink, low, high }: DerivativeFreeOptions & Box,
  random: StepRandom,
): tf.Tensor {
  const evaluate = (samples: tf.Tensor): tf.Tensor => tf.tidy(() => energy(samples));
  return tf.tidy(() => {
    let samples = start;
    let energies = evaluate(samples);
    let best = { action: lowestEnergy(energies, samples), energy: tf.min(energies, 1) };
    for (let i = 1; i < iterations; i++) {
      const moved = tf.mul(random.normal(samples.shape), noise * shrink ** (i - 1));
      samples = clipTo({ low, high }, tf.add(resampled(samples, energies, random), moved));
      energies = evaluate(samples);
      const found = { action: lowestEnergy(energies, samples), energy: tf.min(energies, 1) };
      const better = tf.less(found.energy, best.energy);
      best = {
        action: tf.where(tf.expandDims(better, 1), found.action, best.action),
        energy: tf.minimum(found.energy, best.energy),
      };
    }
    return best.action;
  });
}

/** As many samples `[B, n, N]` again, drawn with replacement within each row with the probabilities softmax(−E). */
function resampled(samples: tf.Tensor, energies: tf.Tensor, random: StepRandom): tf.Tensor {
  const [rows, count, dimensions] = samples.shape as [number, number, number];
  const probabilities = tf.softmax(tf.neg(energies), 1).dataSync() as Float32Array;
  const chances = random.uniform([rows, count]).dataSync() as Float32Array;
  const indices = categorical(probabilities, chances, count);
  const flat = tf.reshape(samples, [rows * count, dimensions]);
  return tf.reshape(tf.gather(flat, tf.tensor1d(indices, "int32")), samples.shape);
}

/**
 * Categorical draws by inverting the cumulative probabilities of each row of `count`, one for each number of `chances` in
 * [0, 1). Rows need not sum to 1; an entry of probability 0 is never drawn. Returns indices into the whole array.
 */
export function categorical(probabilities: Float32Array, chances: Float32Array, count: number): Int32Array {
  const indices = new Int32Array(chances.length);
  // In float64: thousands of float32 summands would lose the last ones.
  const cumulative = new Float64Array(count);
  for (let row = 0; row < chances.length; row += count) {
    let total = 0;
    for (let i = 0; i < count; i++) {
      total += probabilities[row + i]!;
      cumulative[i] = total;
    }
    for (let i = 0; i < count; i++) indices[row + i] = row + firstAbove(cumulative, chances[row + i]! * total);
  }
  return indices;
}

/** The first index whose value is above `bound` in ascending `values`; the last one if none is. */
function firstAbove(values: Float64Array, bound: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
