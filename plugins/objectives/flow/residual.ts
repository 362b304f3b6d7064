import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { stopGradient } from "../../../core/autodiff/stop-gradient.ts";

/** How a sample's squared residual δ is weighted. Shared by the flow objectives' options. */
export const weightingSchema = z
  .strictObject({
    kind: z
      .enum(["residual", "distance", "uniform"])
      .default("residual")
      .describe("1/(δ+c)^p by the residual, by the distance source → solution, or none"),
    p: z.number().min(0).max(2).default(0.75).describe("power of the weight"),
    c: z.number().positive().default(1e-3).describe("added to δ, in squared units of the state"),
  })
  .prefault({});
export type Weighting = z.output<typeof weightingSchema>;

/** ‖error‖² a row, summed over the state's dimensions: `[B, D]` → `[B]`. */
export const squaredNorm = (error: tf.Tensor): tf.Tensor => tf.sum(tf.square(error), -1);

/**
 * Mean over the batch of w·δ, with w = 1/(s + c)^p held constant, s the residual δ itself (MeanFlow §4.3, adaptive) or
 * the squared distance `[B]` (kept to compare with), or w = 1.
 */
export function weightedResidual(residual: tf.Tensor, distance: tf.Tensor, { kind, p, c }: Weighting): tf.Scalar {
  if (kind === "uniform") return tf.mean(residual);
  const by = kind === "residual" ? residual : distance;
  const weight = stopGradient(tf.pow(tf.add(by, c), -p));
  return tf.mean(tf.mul(weight, residual));
}
