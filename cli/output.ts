import colors from "picocolors";
import { isMfError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Log } from "../core/plugin.ts";

/** Where a command's results and remarks go. Results: standard output. Everything else: standard error. */
export interface Output extends Log {
  readonly json: boolean;
  /** The command's one result: the document with `--json`, else the text. */
  emit(document: unknown, text: () => string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    emit: (document, text) => void process.stdout.write(`${json ? JSON.stringify(document, null, 2) : text()}\n`),
    info: (message) => void process.stderr.write(`${freshLine()}${message}\n`),
    warn: (message) => void process.stderr.write(`${freshLine()}${colors.yellow("warning:")} ${message}\n`),
  };
}

/** A remark takes the place of a progress bar that stands on the line; the bar draws itself again below. */
const freshLine = (): string => (process.stderr.isTTY === true ? "\r\x1b[2K" : "");

/** Shows an error and returns the exit code: 2 for the user's mistakes, 1 for ours. */
export function reportError(
  error: unknown,
  { json, debug }: { readonly json: boolean; readonly debug: boolean },
): number {
  const known = isMfError(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : "MF_UNEXPECTED";
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
  const advice =
    known || debug ? "" : "\nThis is a mistake in MotionForge. Run it again with --debug and report what it prints.";
  process.stderr.write(`${colors.red("error:")} ${known ? "" : "unexpected: "}${message}${advice}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n${causes(error)}`);
  return known && error.fault === "user" ? 2 : 1;
}

function causes(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `caused by: ${cause.stack}\n${causes(cause)}` : "";
}

/** Columns aligned: numbers to the right, everything else to the left. */
export function table(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "number" ? number(cell) : (cell ?? "–"))));
  const widths = header.map((title, i) => Math.max(title.length, ...cells.map((row) => (row[i] ?? "").length)));
  const isRight = header.map((_, i) => rows.some((row) => typeof row[i] === "number"));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const space = " ".repeat(Math.max(0, widths[i]! - cell.length));
        return isRight[i] ? space + cell : cell + space;
      })
      .join("  ")
      .trimEnd();
  return [colors.dim(line(header)), ...cells.map(line)].join("\n");
}

/** Four significant digits. */
export const number = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1e4 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));

/** JSON for people: lists of plain values stay on one line. */
export function pretty(value: Json, indent = ""): string {
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null))
      return `[${value.map((v) => pretty(v)).join(", ")}]`;
    return `[\n${value.map((item) => inner + pretty(item, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${pretty(item, inner)}`);
  return entries.length === 0 ? "{}" : `{\n${entries.join(",\n")}\n${indent}}`;
}

/** The same on one line, for a table. */
export const oneLine = (value: Json): string => pretty(value).replace(/\n\s*/g, " ");

/** A table of results: a row for each metric of the model, a column for it and for each baseline. Fits 80 columns. */
export function results(
  metrics: Readonly<Record<string, number>>,
  baselines: Readonly<Record<string, Readonly<Record<string, number>>>>,
): string {
  const methods = [["model", metrics] as const, ...Object.entries(baselines)];
  const names = Object.keys(metrics).filter((name) => name.startsWith("val/"));
  return table(
    ["", ...methods.map(([method]) => method)],
    names.map((name) => [name.slice("val/".length), ...methods.map(([, values]) => values[name] ?? null)]),
  );
}
