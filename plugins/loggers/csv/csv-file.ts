import { open, readFile } from "node:fs/promises";
import { writeAtomically } from "../../../core/data/bytes.ts";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { decodeLine, END, encodeLine } from "./csv.ts";

/** Cells of a row by column; a column that is not there is empty. */
type Row = Readonly<Record<string, string>>;

interface Sheet {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/**
 * A wide table of metrics: a row a step, a column a metric. A metric that is new gets a column, for which the file is
 * written again in one moment. The last row grows while values of its step come in.
 */
export function openCsvFile(path: string) {
  let columns: readonly string[] | null = null;
  let last: Row | null = null;
  /** In bytes: where the last row starts, and where the file ends. */
  let lastStart = 0;
  let end = 0;

  const lineOf = (row: Row): string => encodeLine(columns!.map((column) => row[column] ?? ""));
  const remember = (lines: readonly string[], start: number, row: Row | null): void => {
    lastStart = start + byteLength(lines.slice(0, -1));
    end = start + byteLength(lines);
    last = row;
  };
  const replace = async (sheet: Sheet): Promise<void> => {
    columns = sheet.columns;
    const lines = [encodeLine(columns), ...sheet.rows.map(lineOf)];
    await writeAtomically(path, lines.join(""));
    remember(lines, 0, sheet.rows.at(-1) ?? null);
  };
  const load = async (steps: number): Promise<void> => {
    const { columns: known, rows } = await readSheet(path);
    await replace({ columns: known, rows: rows.filter((row) => Number(row["step"]) <= steps) });
  };
  const grow = async (names: readonly string[]): Promise<void> => {
    if (columns === null) await load(Number.POSITIVE_INFINITY);
    const all = [...new Set([...columns!, ...names])];
    if (all.length > columns!.length) await replace({ columns: all, rows: (await readSheet(path)).rows });
  };

  return {
    /** Makes the file, or drops its rows of later steps and half a row at its end. */
    load,
    async append(points: readonly MetricPoint[]): Promise<void> {
      await grow(points.map(({ name }) => name));
      const rows = rowsOf(points, last);
      const start = rows[0]!["step"] === last?.["step"] ? lastStart : end;
      const lines = rows.map(lineOf);
      await writeEnd(path, lines.join(""), start);
      remember(lines, start, rows.at(-1)!);
    },
  };
}

/** A row for consecutive points of one step; the first goes on with `last` where it is of that step. */
function rowsOf(points: readonly MetricPoint[], last: Row | null): Row[] {
  const rows: Record<string, string>[] = [];
  for (const { name, value, step, epoch } of points) {
    const before = rows.at(-1) ?? last;
    if (before?.["step"] !== String(step)) rows.push({ step: String(step), epoch: String(epoch) });
    else if (rows.length === 0) rows.push({ ...before });
    rows.at(-1)![name] = String(value);
  }
  return rows;
}

async function readSheet(path: string): Promise<Sheet> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  // What follows the last line's end is half a row.
  const [header, ...lines] = text.split(END).slice(0, -1).map(decodeLine);
  const columns = header ?? ["step", "epoch"];
  return { columns, rows: lines.map((cells) => Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ""]))) };
}

/** Replaces what a file holds from a position on. */
async function writeEnd(path: string, text: string, position: number): Promise<void> {
  const bytes = Buffer.from(text);
  const file = await open(path, "r+");
  try {
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
    await file.truncate(position + bytes.length);
  } finally {
    await file.close();
  }
}

const byteLength = (lines: readonly string[]): number =>
  lines.reduce((length, line) => length + Buffer.byteLength(line), 0);
