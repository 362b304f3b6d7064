import { z } from "zod";
import { errors } from "../../../core/errors.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { improves } from "../improves.ts";

/** Asks the run to stop when a validation metric has not improved for `patience` validations. */
export const earlyStopping = definePlugin({
  name: "early-stopping",
  summary: "stops when a validation metric no longer improves",
  options: z.strictObject({
    metric: z.string().default("val/loss").describe("the metric's full name"),
    mode: z.enum(["min", "max"]).default("min").describe("whether lower or higher is better"),
    patience: z.number().int().positive().default(5).describe("validations without improvement that are waited for"),
    minDelta: z.number().min(0).default(0).describe("smallest change that counts as improvement"),
  }),
  setup({ hooks, run, memory, log }, { metric, mode, patience, minDelta }) {
    let best: number | null = null;
    let waited = 0;
    let warned = false;
    memory<{ best: number | null; waited: number }>({
      save: () => ({ best, waited }),
      load: (saved) => {
        ({ best, waited } = saved);
      },
    });
    hooks.onValidate.tap("early-stopping", ({ metrics }) => {
      const value = metrics[metric];
      if (value === undefined) {
        // A misspelt metric is no reason to lose what was trained so far.
        const { message } = errors.MF_UNKNOWN({ kind: "metric", name: metric, known: Object.keys(metrics) });
        if (!warned) log.warn(`early-stopping never stops this run: ${message}`);
        warned = true;
        return;
      }
      if (improves(value, best, mode, minDelta)) {
        best = value;
        waited = 0;
        return;
      }
      waited += 1;
      if (waited >= patience) run.requestStop(`${metric} has not improved for ${patience} validations`);
    });
  },
});
