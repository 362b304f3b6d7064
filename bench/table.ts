import type { Figures, Row } from "./row.ts";

/** The rows as a Markdown table, a column for each contender, and under it what the columns are and what is missing. */
export function table(rows: readonly Row[], contenders: readonly string[]): string {
  const lines = rows.flatMap((row) => {
    const line = (title: string, cell: (figures: Figures) => string): string[] => [
      title,
      ...contenders.map((name) => (row.contenders[name] === undefined ? "–" : cell(row.contenders[name]))),
    ];
    return [
      line(`**${row.name}**${jvp(row)}`, stepTime),
      line("— start-up, ms", ({ startup_ms, startup_quiet }) => mark(startup_quiet) + startup_ms.toFixed(0)),
      line("— peak memory, MB", ({ peak_memory_mb }) => String(peak_memory_mb)),
    ];
  });
  return [aligned([["step, ms (ratio to the first)", ...contenders], ...lines]), ...legend(rows, contenders)].join(
    "\n",
  );
}

const jvp = ({ to_flow_matching }: Row): string =>
  to_flow_matching === null ? "" : ` (${to_flow_matching.toFixed(2)} of flow matching)`;

const mark = (quiet: boolean): string => (quiet ? "" : "~");

const stepTime = ({ step_ms, ratio, quiet, noisy }: Figures): string => {
  const time = step_ms < 100 ? step_ms.toFixed(1) : step_ms.toFixed(0);
  return `${mark(quiet > noisy)}${time}${ratio === 1 ? "" : ` (${ratio.toFixed(2)})`}`;
};

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const [head, ...body] = lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [head, rule, ...body].join("\n");
}

function legend(rows: readonly Row[], contenders: readonly string[]): string[] {
  const described = contenders.flatMap((name) => {
    const figures = rows.map((row) => row.contenders[name]).find((f) => f !== undefined);
    return figures === undefined ? [] : [`- ${name}: ${figures.description}`];
  });
  const missing = rows.flatMap((row) =>
    Object.entries(row.missing).map(([name, reason]) => `- ${name} has no figure for ${row.name}: ${reason}`),
  );
  return ["", ...described, ...missing, "- ~ taken, or mostly, while other processes used the cores"];
}
