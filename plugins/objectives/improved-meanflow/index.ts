import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { totalDerivative } from "../flow/derivative.ts";
import { pDistinctSchema, timesSchema } from "../flow/options.ts";
import { firstRows, straightPath } from "../flow/path.ts";
import { squaredNorm, weightedResidual, weightingSchema } from "../flow/residual.ts";
import { distinctRows, sampleTimes } from "../flow/times.ts";

/**
 * MeanFlow as regression to the velocity (improved MeanFlow, 2512.02012): V = u − (t − r)·sg(du/dr) is fitted to v.
 * The tangent is the network's own velocity u(z, r, r) instead of the sample's, which takes noise out of the target.
 */
export const improvedMeanflow = definePlugin({
  name: "improved-meanflow",
  summary: "improved MeanFlow objective: regression to the velocity, with the network's own velocity as tangent",
  options: z.strictObject({ pDistinct: pDistinctSchema.default(0.5), times: timesSchema, weighting: weightingSchema }),
  setup({ hooks, loss, model }, { pDistinct, times, weighting }) {
    hooks.beforeStep.tap("improved-meanflow", (batch, step) => {
      const rows = batch["source"]!.shape[0]!;
      const distinct = distinctRows(rows, pDistinct);
      const { r, t } = sampleTimes(step.random, rows, distinct, times);
      const { z, v } = straightPath(batch, r);
      const inputs = { ...batch, z, v, r, t };
      if (distinct === 0) return { ...inputs, drift: tf.zerosLike(v) };
      const u = (at: typeof inputs): tf.Tensor => model.apply(step.params, at);
      const moving = firstRows(inputs, distinct) as typeof inputs;
      const own = u({ ...moving, t: moving.r });
      const along = totalDerivative((at) => u(at as typeof inputs), moving, own);
      const drift = tf.mul(tf.sub(moving.t, moving.r), along);
      return {
        ...inputs,
        drift: tf.pad(drift as tf.Tensor2D, [
          [0, rows - distinct],
          [0, 0],
        ]),
      };
    });
    loss({
      name: "improved-meanflow",
      compute(params, batch, step) {
        const u = model.apply(params, batch);
        const residual = squaredNorm(tf.sub(tf.sub(u, batch["drift"]!), batch["v"]!));
        step.report("meanflow_residual", tf.mean(residual));
        step.report("velocity_norm", tf.mean(tf.sqrt(squaredNorm(u))));
        return weightedResidual(residual, squaredNorm(batch["v"]!), weighting);
      },
    });
  },
});
