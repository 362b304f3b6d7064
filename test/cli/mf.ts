import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../cli/mf.mjs", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as the one JSON document it must be. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
  readonly json: any;
}

/** Starts the command in `directory`, as a shell would, without the settings of the tests' own environment. */
export function startMf(directory: string, words: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("MF_"));
  return spawn(process.execPath, [program, ...words], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), NO_COLOR: "1", CI: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function finished(child: ChildProcess): Promise<Finished> {
  let [stdout, stderr] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    code,
    stdout,
    stderr,
    get json() {
      return JSON.parse(stdout);
    },
  };
}

export const mf = (directory: string, words: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  finished(startMf(directory, words, env));
