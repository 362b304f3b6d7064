import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { timesSchema } from "../flow/options.ts";
import { straightPath } from "../flow/path.ts";
import { squaredNorm, weightedResidual, weightingSchema } from "../flow/residual.ts";
import { sampleTimes } from "../flow/times.ts";

/**
 * Conditional flow matching (Lipman et al. 2023): regression of the instantaneous velocity u(z, r, r) to v. Solve with
 * several Euler steps of that velocity (`solve: { velocity: "instantaneous" }` of the task).
 */
export const flowMatching = definePlugin({
  name: "flow-matching",
  summary: "plain flow matching, to compare with: instantaneous velocity, many-step inference",
  options: z.strictObject({ times: timesSchema, weighting: weightingSchema }),
  setup({ hooks, loss, model }, { times, weighting }) {
    hooks.beforeStep.tap("flow-matching", (batch, step) => {
      const { r, t } = sampleTimes(step.random, batch["source"]!.shape[0]!, 0, times);
      const { z, v } = straightPath(batch, r);
      return { ...batch, z, v, r, t };
    });
    loss({
      name: "flow-matching",
      compute(params, batch, step) {
        const u = model.apply(params, batch);
        const residual = squaredNorm(tf.sub(u, batch["v"]!));
        step.report("flow_matching_residual", tf.mean(residual));
        step.report("velocity_norm", tf.mean(tf.sqrt(squaredNorm(u))));
        return weightedResidual(residual, squaredNorm(batch["v"]!), weighting);
      },
    });
  },
});
