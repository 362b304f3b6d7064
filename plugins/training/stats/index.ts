import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { globalNorm } from "../../../core/global-norm.ts";
import { GradStage } from "../../../core/hooks.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { mapTree } from "../../../core/tree.ts";

/** Records the gradient norm, the parameter norm and the update ratio ‖Δθ‖/‖θ‖ on an interval. */
export const stats = definePlugin({
  name: "stats",
  summary: "gradient norm, parameter norm and update ratio on an interval",
  options: z.strictObject({
    every: z.number().int().positive().default(500).describe("steps between measurements"),
  }),
  setup({ hooks, fixed, metrics }, { every }) {
    // A graph-shaping value, so that the steps in between pay nothing; an engine keeps both steps.
    const measures = fixed("stats/measures", ({ steps }) => ((steps + 1) % every === 0 ? 1 : 0));
    hooks.afterBackward.tap({ name: "stats", stage: GradStage.Measure }, (grads, step) => {
      if (measures() === 1) step.report("grad_norm", globalNorm(grads));
      return grads;
    });
    hooks.afterUpdate.tap("stats", (next, step) => {
      if (measures() === 0) return next;
      const norm = globalNorm(step.params);
      const change = globalNorm(mapTree((p, path) => tf.sub(p, step.params[path]!), next.params));
      step.report("param_norm", norm);
      step.report("update_ratio", tf.div(change, tf.add(norm, 1e-12)) as tf.Scalar);
      return next;
    });
    hooks.onStep.tap("stats", ({ clock, skipped, read }) => {
      if (skipped || clock.steps % every !== 0) return;
      const values = read();
      metrics.record(
        ["grad_norm", "param_norm", "update_ratio"].map((name) => ({
          name: `train/${name}`,
          value: values[name]!,
          step: clock.steps,
          epoch: clock.epochs,
          split: "train" as const,
        })),
      );
    });
  },
});
