import { leavesOf } from "../../../core/config/plain.ts";
import type { Json } from "../../../core/json.ts";
import type { Cell } from "../../../core/metrics/media.ts";
import type { RunSummary } from "../../../core/run.ts";

/** A table as TensorBoard's Markdown knows it; an empty cell where there is no value. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(cellText).join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

const cellText = (cell: Cell): string =>
  cell === null
    ? ""
    : String(cell)
        .replaceAll("\\", "\\\\")
        .replaceAll("|", "\\|")
        .replaceAll(/\s*\n\s*/g, " ");

/** Every setting of a configuration, by dotted path. */
export const configTable = (config: Json): string =>
  markdownTable(
    ["setting", "value"],
    leavesOf(config).map(([path, value]) => [path.join("."), JSON.stringify(value)]),
  );

/** The last validation, a row a metric, beside the baselines. */
export function resultsTable({ metrics, baselines }: Pick<RunSummary, "metrics" | "baselines">): string {
  const methods = [metrics, ...Object.values(baselines)];
  return markdownTable(
    ["metric", "model", ...Object.keys(baselines)],
    Object.keys(metrics).map((name) => [name, ...methods.map((values) => values[name] ?? null)]),
  );
}
