import * as tf from "@tensorflow/tfjs-core";
import type { StepRandom } from "../../../core/state.ts";

export interface TimeSampling {
  /** Mean and deviation of the normal whose logistic is a time. */
  readonly mean: number;
  readonly deviation: number;
}

export interface Times {
  /** Where the interval starts, `[B, 1]` in (0, 1). The state is given here. */
  readonly r: tf.Tensor;
  /** Where it ends, `[B, 1]`; r ≤ t. */
  readonly t: tf.Tensor;
}

/** How many rows of a batch have r ≠ t. They come first, so that a slice selects them and the shapes stay fixed. */
export const distinctRows = (batch: number, pDistinct: number): number => Math.round(batch * pDistinct);

/**
 * Two logit-normal times a row, sorted; the first `distinct` rows keep both, the others have t = r.
 * In forward time (source at 0, solution at 1) the paper's N(−0.4, 1) becomes N(+0.4, 1), since its time runs backwards.
 */
export function sampleTimes(
  random: StepRandom,
  batch: number,
  distinct: number,
  { mean, deviation }: TimeSampling,
): Times {
  const draw = (): tf.Tensor => tf.sigmoid(tf.add(tf.mul(random.normal([batch, 1]), deviation), mean));
  const a = draw();
  const b = draw();
  const r = tf.minimum(a, b);
  if (distinct === 0) return { r, t: r };
  if (distinct === batch) return { r, t: tf.maximum(a, b) };
  const ends = tf.slice(tf.maximum(a, b), [0, 0], [distinct, 1]);
  return { r, t: tf.concat([ends, tf.slice(r, [distinct, 0], [-1, 1])], 0) };
}
