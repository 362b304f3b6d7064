import * as tf from "@tensorflow/tfjs-core";
import type { Batch, StepRandom } from "../../../core/state.ts";

/** Where actions are looked for: bounds that broadcast to actions `[B, n, N]`, such as `[B, 1, N]` or `[N]`. */
export interface Box {
  readonly low: tf.Tensor;
  readonly high: tf.Tensor;
}

/** The box of a batch, whose `low` and `high` are `[B, N]`. */
export const boxOf = (batch: Batch): Box => ({
  low: tf.expandDims(batch["low"]!, 1),
  high: tf.expandDims(batch["high"]!, 1),
});

export const clipTo = ({ low, high }: Box, action: tf.Tensor): tf.Tensor => tf.minimum(tf.maximum(action, low), high);

/** Uniform draws from the box, of `shape` `[B, n, N]`. */
export const uniformIn = ({ low, high }: Box, shape: readonly number[], random: StepRandom): tf.Tensor =>
  tf.add(low, tf.mul(tf.sub(high, low), random.uniform(shape)));
