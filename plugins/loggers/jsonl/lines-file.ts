import { appendFile, readFile } from "node:fs/promises";
import { writeAtomically } from "../../../core/data/bytes.ts";

/** A JSON document a line, each with the step it belongs to, in the order of the steps. */
export interface StepLine {
  readonly step: number;
}

export function openLines<L extends StepLine>(path: string) {
  return {
    append: (lines: readonly L[]): Promise<void> =>
      appendFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join("")),
    /** Drops lines of later steps, and half a line at the end; returns the whole ones it dropped. */
    async truncateAfter(steps: number): Promise<L[]> {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      const lines = text.split("\n");
      const parsed = lines.map(parse<L>);
      const isKept = (line: L | null): boolean => line !== null && line.step <= steps;
      const next = lines.filter((_, i) => isKept(parsed[i]!)).map((line) => `${line}\n`);
      if (next.join("") !== text) await writeAtomically(path, next.join(""));
      return parsed.filter((line): line is L => line !== null && line.step > steps);
    },
  };
}

function parse<L>(line: string): L | null {
  try {
    return JSON.parse(line) as L;
  } catch {
    return null;
  }
}
