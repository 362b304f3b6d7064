import type { Table } from "../../core/metrics/media.ts";
import type { RunSummary } from "../../core/run.ts";

/** The last validation, a row a metric, beside the baselines; null for a run that was never validated. */
export function resultsTable({ metrics, baselines }: Pick<RunSummary, "metrics" | "baselines">): Table | null {
  const methods = [metrics, ...Object.values(baselines)];
  const names = Object.keys(metrics);
  if (names.length === 0) return null;
  return {
    kind: "table",
    columns: ["metric", "model", ...Object.keys(baselines)],
    rows: names.map((name) => [name, ...methods.map((values) => values[name] ?? null)]),
  };
}
