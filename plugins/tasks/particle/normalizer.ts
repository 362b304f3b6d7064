import * as tf from "@tensorflow/tfjs-core";
import type { Demonstration } from "./demonstrations.ts";

/**
 * What makes the network's inputs and outputs of natural size. A function of the data, kept in checkpoints, so that a
 * trained model needs no data.
 */
export type Normalizer = {
  /** Of each of the 4·dims numbers of an observation. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Smallest and largest action of the data, which become −1 and 1, `[dims]`. */
  readonly lowest: readonly number[];
  readonly highest: readonly number[];
};

/** As many actions' ranges on each side of the data belong to the box that actions are looked for in. */
const BOX_MARGIN = 0.05;
const FLOAT_EPSILON = 2 ** -23;

/** Deviations below the float32 epsilon count as it: what never changes is only centred. */
export function fitNormalizer(demonstrations: readonly Demonstration[]): Normalizer {
  const dims = demonstrations[0]!.firstGoal.length;
  const size = 4 * dims;
  const [sum, squares] = [new Float64Array(size), new Float64Array(size)];
  const lowest = new Float64Array(dims).fill(Number.POSITIVE_INFINITY);
  const highest = new Float64Array(dims).fill(Number.NEGATIVE_INFINITY);
  let count = 0;
  for (const demonstration of demonstrations) {
    count += demonstration.steps;
    for (let step = 0; step < demonstration.steps; step++) {
      const observation = observationAt(demonstration, step);
      for (let k = 0; k < size; k++) sum[k]! += observation[k]!;
      for (let d = 0; d < dims; d++) {
        const action = demonstration.actions[step * dims + d]!;
        lowest[d] = Math.min(lowest[d]!, action);
        highest[d] = Math.max(highest[d]!, action);
      }
    }
  }
  const mean = Array.from(sum, (s) => s / count);
  for (const demonstration of demonstrations) {
    for (let step = 0; step < demonstration.steps; step++) {
      const observation = observationAt(demonstration, step);
      for (let k = 0; k < size; k++) squares[k]! += (observation[k]! - mean[k]!) ** 2;
    }
  }
  const deviation = Array.from(squares, (s) => Math.max(Math.sqrt(s / count), FLOAT_EPSILON));
  return { mean, deviation, lowest: Array.from(lowest), highest: Array.from(highest) };
}

/** Position, velocity, first and second goal before the action of a step, `[4·dims]`. */
export function observationAt({ positions, velocities, firstGoal, secondGoal }: Demonstration, step: number) {
  const dims = firstGoal.length;
  const observation = new Float64Array(4 * dims);
  observation.set(positions.subarray(step * dims, (step + 1) * dims));
  observation.set(velocities.subarray(step * dims, (step + 1) * dims), dims);
  observation.set(firstGoal, 2 * dims);
  observation.set(secondGoal, 3 * dims);
  return observation;
}

/** Half the range of the data's actions, at least the float32 epsilon. */
const halfRange = ({ lowest, highest }: Normalizer, d: number): number =>
  Math.max(highest[d]! - lowest[d]!, FLOAT_EPSILON) / 2;

/** An action's component d as the network sees it, −1 … 1 over the data. */
export const normalizedAction = (normalizer: Normalizer, value: number, d: number): number =>
  (value - normalizer.lowest[d]!) / halfRange(normalizer, d) - 1;

/**
 * The box that actions are looked for in, normalised: the data's, widened by 5 % of its range on each side, but not beyond
 * the setpoints [0, 1] that the environment knows.
 */
export function actionBox(normalizer: Normalizer): { readonly low: number[]; readonly high: number[] } {
  const { lowest, highest } = normalizer;
  const margin = (d: number): number => BOX_MARGIN * (highest[d]! - lowest[d]!);
  const low = lowest.map((x, d) => normalizedAction(normalizer, Math.min(x, Math.max(0, x - margin(d))), d));
  const high = highest.map((x, d) => normalizedAction(normalizer, Math.max(x, Math.min(1, x + margin(d))), d));
  return { low, high };
}

/** Windows `[B, 2, 4·dims]` as the network sees them, `[B, 8·dims]`. */
export function normalizeWindows({ mean, deviation }: Normalizer, windows: tf.Tensor): tf.Tensor {
  const scaled = tf.div(tf.sub(windows, tf.tensor1d([...mean])), tf.tensor1d([...deviation]));
  return tf.reshape(scaled, [-1, 2 * mean.length]);
}

/** Normalised actions `[B, dims]` as setpoints. */
export function denormalizeActions(normalizer: Normalizer, action: tf.Tensor): tf.Tensor {
  const half = tf.tensor1d(normalizer.lowest.map((_, d) => halfRange(normalizer, d)));
  return tf.add(tf.mul(tf.add(action, 1), half), tf.tensor1d([...normalizer.lowest]));
}
