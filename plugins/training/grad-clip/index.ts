import { z } from "zod";
import { globalNorm } from "../../../core/global-norm.ts";
import { GradStage } from "../../../core/hooks.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { clipByNorm, clipByValue } from "./grad-clip.ts";

/** Shortens gradients: by their global norm, entry by entry, or both (entries first). Reports the norm before. */
export const gradClip = definePlugin({
  name: "grad-clip",
  summary: "clips gradients by global norm or by value",
  options: z.strictObject({
    maxNorm: z.number().positive().nullable().default(1).describe("largest global norm; null for no such limit"),
    maxValue: z.number().positive().nullable().default(null).describe("largest entry; null for no such limit"),
  }),
  setup({ hooks }, { maxNorm, maxValue }) {
    hooks.afterBackward.tap({ name: "grad-clip", stage: GradStage.Clip }, (grads, step) => {
      const norm = globalNorm(grads);
      step.report("grad_norm", norm);
      const bounded = maxValue === null ? grads : clipByValue(grads, maxValue);
      if (maxNorm === null) return bounded;
      return clipByNorm(bounded, maxValue === null ? norm : globalNorm(bounded), maxNorm);
    });
  },
});
