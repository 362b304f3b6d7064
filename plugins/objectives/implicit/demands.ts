import type * as tf from "@tensorflow/tfjs-core";
import type { Batch } from "../../../core/state.ts";
import { imitationErrors } from "./errors.ts";

/** Refuses batches that are not of demonstrations: MF_IMITATION_BATCH. */
export function demandNames(plugin: string, batch: Batch, names: readonly string[]): void {
  const missing = names.find((name) => batch[name] === undefined);
  if (missing === undefined) return;
  throw imitationErrors.MF_IMITATION_BATCH({ plugin, missing, has: Object.keys(batch) });
}

/** Refuses a model for the other kind of policy, whose outputs have another shape: MF_IMITATION_MODEL. */
export function demandShape(
  output: tf.Tensor,
  expected: readonly number[],
  of: { readonly plugin: string; readonly wanted: string; readonly policy: string },
): tf.Tensor {
  const { shape } = output;
  if (shape.length === expected.length && shape.every((size, axis) => size === expected[axis])) return output;
  throw imitationErrors.MF_IMITATION_MODEL({ ...of, expected, shape });
}
