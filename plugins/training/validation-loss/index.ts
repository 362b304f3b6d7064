import { z } from "zod";
import { isMfError } from "../../../core/errors.ts";
import { definePlugin } from "../../../core/plugin.ts";

/** Measures the loss on held-out data at each validation. */
export const validationLoss = definePlugin({
  name: "validation-loss",
  summary: "the loss on held-out data, at each validation",
  options: z.strictObject({
    batches: z.number().int().positive().default(1).describe("batches of the training's size it is the mean over"),
  }),
  setup({ evaluator, log }, { batches }) {
    let warned = false;
    evaluator({
      name: "validation-loss",
      async evaluate(_params, _predict, heldOutLoss) {
        try {
          return await heldOutLoss(batches);
        } catch (error) {
          if (!isMfError(error) || error.code !== "MF_HELD_OUT_NONE") throw error;
          // No reason to lose what was trained so far.
          if (!warned) log.warn(`validation-loss measures nothing: ${error.message}`);
          warned = true;
          return {};
        }
      },
    });
  },
});
