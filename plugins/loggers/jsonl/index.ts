import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { openMetricsFile } from "./metrics-file.ts";

/** Writes every metric to `metrics.jsonl` in the run's folder, a line for what one step recorded. */
export const jsonl = definePlugin({
  name: "jsonl",
  summary: "metrics.jsonl in the run's folder",
  options: z.strictObject({}),
  setup({ hooks, run, metrics }) {
    if (run.directory === null || run.rank !== 0) return;
    const file = openMetricsFile(run.directory);
    // A killed run leaves rows of steps that will be done again, or half a line.
    hooks.onStart.tap("jsonl", ({ clock }) => file.truncateAfter(clock.steps));
    metrics.sink("jsonl", file.append);
  },
});
