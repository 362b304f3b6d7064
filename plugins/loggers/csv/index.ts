import { join } from "node:path";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { aliasesSchema, withAliases } from "../aliases.ts";
import { openCsvFile } from "./csv-file.ts";

/** Writes every metric to `metrics.csv` in the run's folder: a row a step, a column a metric. */
export const csv = definePlugin({
  name: "csv",
  summary: "metrics.csv in the run's folder: a row a step, a column a metric",
  options: z.strictObject({ aliases: aliasesSchema }),
  setup({ hooks, run, metrics }, { aliases }) {
    if (run.directory === null || run.rank !== 0) return;
    const file = openCsvFile(join(run.directory, "metrics.csv"));
    const sink = metrics.sink("csv", (points) => file.append(withAliases(points, aliases)));
    hooks.onStart.tap("csv", ({ clock }) => sink.act(() => file.load(clock.steps)));
  },
});
