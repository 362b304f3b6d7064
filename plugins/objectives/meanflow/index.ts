import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { pDistinctSchema, timesSchema } from "../flow/options.ts";
import { straightPath } from "../flow/path.ts";
import { squaredNorm, weightedResidual, weightingSchema } from "../flow/residual.ts";
import { distinctRows, sampleTimes } from "../flow/times.ts";
import { meanFlowTarget } from "./meanflow.ts";

/** Trains the average velocity of a flow, so that one step q = q_ref + u(q_ref, 0, 1) reaches the solution. */
export const meanflow = definePlugin({
  name: "meanflow",
  summary: "MeanFlow objective: one-step generation by the average velocity and a forward-mode JVP",
  options: z.strictObject({ pDistinct: pDistinctSchema, times: timesSchema, weighting: weightingSchema }),
  setup({ hooks, loss, model }, { pDistinct, times, weighting }) {
    hooks.beforeStep.tap("meanflow", (batch, step) => {
      const rows = batch["source"]!.shape[0]!;
      const distinct = distinctRows(rows, pDistinct);
      const { r, t } = sampleTimes(step.random, rows, distinct, times);
      const { z, v } = straightPath(batch, r);
      const inputs = { ...batch, z, v, r, t };
      return { ...inputs, target: meanFlowTarget((at) => model.apply(step.params, at), inputs, distinct) };
    });
    loss({
      name: "meanflow",
      compute(params, batch, step) {
        const u = model.apply(params, batch);
        const residual = squaredNorm(tf.sub(u, batch["target"]!));
        step.report("meanflow_residual", tf.mean(residual));
        step.report("velocity_norm", tf.mean(tf.sqrt(squaredNorm(u))));
        return weightedResidual(residual, squaredNorm(batch["v"]!), weighting);
      },
    });
  },
});
