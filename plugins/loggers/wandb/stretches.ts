import type { Stretch } from "./client.ts";
import { objectText } from "./extended-json.ts";
import type { LocalRecord } from "./records.ts";

/** Rows and files on their way into one request each. */
export interface Stretches {
  add(record: LocalRecord): void;
  /** Whether it is time to send. */
  isFull(): boolean;
  /** What was added since the last call: the files that the rows name, and the rows, if any. */
  take(): { readonly files: readonly string[]; readonly stretch: Stretch | null };
}

const MOST_ROWS = 5000;
const MOST_CHARACTERS = 1_000_000;

/** `row` is the server's row of the first that is added; those below `start` are there already. */
export function createStretches(row: number, start: number): Stretches {
  const summary = new Map<string, string>();
  let next = row;
  let lines: string[] = [];
  let characters = 0;
  let files: string[] = [];
  // Files come before the row that names them.
  let waiting: string[] = [];
  return {
    add(record) {
      if (record.kind === "files") waiting.push(...record.paths);
      if (record.kind !== "history") return;
      for (const [key, text] of record.values) summary.set(key, text);
      if (next++ >= start) {
        const line = objectText(record.values);
        lines.push(line);
        characters += line.length;
        files.push(...waiting);
      }
      waiting = [];
    },
    isFull: () => lines.length >= MOST_ROWS || characters >= MOST_CHARACTERS,
    take() {
      const stretch = lines.length === 0 ? null : { first: next - lines.length, lines, summary: objectText(summary) };
      const taken = { files, stretch };
      [lines, characters, files] = [[], 0, []];
      return taken;
    },
  };
}
