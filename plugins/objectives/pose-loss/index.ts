import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { ik } from "../../tasks/ik/index.ts";
import { squaredNorm, weightedResidual, weightingSchema } from "../flow/residual.ts";

/**
 * Adds the pose error of the one-step answer to the loss: δ = ‖Δp‖²/length² + (2·sin(angle/2))² of
 * q = source + u(source, 0, 1), by forward kinematics inside the tape. A flow objective alone weighs joints alike and
 * cannot tell motion that moves the tip from motion that does not.
 */
export const poseLoss = definePlugin({
  name: "pose-loss",
  summary: "adds the pose error of the network's one-step answer to the loss (inverse kinematics)",
  requires: [ik],
  options: z.strictObject({
    weight: z.number().min(0).default(1).describe("factor of this loss term"),
    share: z.number().gt(0).max(1).default(0.25).describe("share of the rows it is computed on (the last ones)"),
    length: z.number().positive().default(0.2).describe("metres that count as much as a radian"),
    weighting: weightingSchema,
  }),
  setup({ loss, model, use }, { weight, share, length, weighting }) {
    const { tipError } = use(ik);
    loss({
      name: "pose",
      compute(params, batch, step) {
        const rows = batch["source"]!.shape[0]!;
        const count = Math.max(1, Math.round(rows * share));
        const last = (x: tf.Tensor): tf.Tensor => tf.slice(x, rows - count, count);
        const source = last(batch["source"]!);
        const pose = last(batch["pose"]!);
        const u = model.apply(params, { z: source, r: tf.zeros([count, 1]), t: tf.ones([count, 1]), pose });
        const error = tipError(tf.add(source, u), pose);
        const scaled = tf.mul(error, tf.tensor2d([[1 / length, 1 / length, 1 / length, 1, 1, 1]]));
        const residual = squaredNorm(scaled);
        step.report("pose_residual", tf.mean(residual));
        return tf.mul(weightedResidual(residual, residual, weighting), weight);
      },
    });
  },
});
