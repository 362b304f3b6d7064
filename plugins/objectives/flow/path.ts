import * as tf from "@tensorflow/tfjs-core";
import type { Batch } from "../../../core/state.ts";
import { mapTree } from "../../../core/tree.ts";

export interface Path {
  /** (1 − r)·source + r·solution, `[B, D]`: the state at time r. */
  readonly z: tf.Tensor;
  /** solution − source, `[B, D]`: the velocity of the straight path, the same at all times. */
  readonly v: tf.Tensor;
}

/**
 * The straight path in forward time: source at 0, solution at 1. A batch that knows better than subtraction how its
 * source reaches its solution (joints that wrap) brings the difference as `displacement` `[B, D]`.
 */
export function straightPath(batch: Batch, r: tf.Tensor): Path {
  const source = batch["source"]!;
  const v = batch["displacement"] ?? tf.sub(batch["solution"]!, source);
  return { z: tf.add(source, tf.mul(r, v)), v };
}

/** The first `rows` rows of every tensor. */
export const firstRows = (batch: Batch, rows: number): Record<string, tf.Tensor> =>
  mapTree((x) => tf.slice(x, 0, rows), batch);
