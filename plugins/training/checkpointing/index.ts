import { z } from "zod";
import { errors } from "../../../core/errors.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { intervalSchema } from "../../../core/when.ts";
import { improves } from "../improves.ts";

/** Asks for checkpoints: on an interval, and whenever a validation metric is the best so far. Deletes old ones. */
export const checkpointing = definePlugin({
  name: "checkpointing",
  summary: "checkpoints on an interval and at the best validation; keeps the last few",
  options: z.strictObject({
    every: intervalSchema.default("1000 steps").describe("how often one is written"),
    keepLast: z.number().int().positive().default(3).describe("how many are kept, besides the best"),
    best: z
      .strictObject({ metric: z.string(), mode: z.enum(["min", "max"]).default("min") })
      .nullable()
      .default(null)
      .describe("the validation metric that decides which is the best; null for none"),
  }),
  setup({ hooks, run, memory, log, every: on }, { every, keepLast, best }) {
    let bestValue: number | null = null;
    let isBest = false;
    let warned = false;
    memory<{ bestValue: number | null }>({
      save: () => ({ bestValue }),
      load: (saved) => {
        ({ bestValue } = saved);
      },
    });
    on(every, () => run.requestCheckpoint("interval"));
    hooks.onValidate.tap("checkpointing", ({ metrics }) => {
      if (best === null) return;
      const value = metrics[best.metric];
      if (value === undefined) {
        // A misspelt metric is no reason to lose what was trained so far.
        const { message } = errors.MF_UNKNOWN({ kind: "metric", name: best.metric, known: Object.keys(metrics) });
        if (!warned) log.warn(`checkpointing marks no checkpoint as best: ${message}`);
        warned = true;
        return;
      }
      if (!improves(value, bestValue, best.mode)) return;
      bestValue = value;
      isBest = true;
      run.requestCheckpoint("best");
    });
    hooks.onCheckpoint.tap("checkpointing", (draft) => {
      draft.keepLast(keepLast);
      if (isBest && best !== null && bestValue !== null) draft.markBest(best.metric, bestValue);
      isBest = false;
    });
  },
});
