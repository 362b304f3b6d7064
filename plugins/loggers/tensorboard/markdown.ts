import { leavesOf } from "../../../core/config/plain.ts";
import type { Json } from "../../../core/json.ts";
import type { Cell } from "../../../core/metrics/media.ts";

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
