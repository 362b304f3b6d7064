import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { openMediaFile } from "./media-file.ts";
import { openMetricsFile } from "./metrics-file.ts";

/** Writes every metric to `metrics.jsonl` in the run's folder, a line for what one step recorded; media beside it. */
export const jsonl = definePlugin({
  name: "jsonl",
  summary: "metrics.jsonl, media.jsonl and pictures in the run's folder",
  options: z.strictObject({}),
  setup({ hooks, run, metrics }) {
    if (run.directory === null || run.rank !== 0) return;
    const rows = openMetricsFile(run.directory);
    const media = openMediaFile(run.directory);
    const sink = metrics.sink("jsonl", rows.append, { media: media.append });
    // A killed run leaves rows of steps that will be done again, or half a line.
    hooks.onStart.tap("jsonl", ({ clock }) =>
      sink.act(async () => {
        await rows.truncateAfter(clock.steps);
        await media.truncateAfter(clock.steps);
      }),
    );
  },
});
