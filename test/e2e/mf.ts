import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const mf = fileURLToPath(new URL("../../cli/mf.mjs", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, CI: "true", NO_COLOR: "1" });

/** Runs `mf` in a folder to its end. */
export const run = (folder: string, ...args: string[]): Promise<Ended> => runWith({}, folder, ...args);

/** The same with further environment variables. */
export const runWith = (env: NodeJS.ProcessEnv, folder: string, ...args: string[]): Promise<Ended> =>
  ended(process.execPath, [mf, ...args], folder, env);

const ended = (program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd, env: { ...environment(), ...env } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });

/** The same in a process whose files may not grow beyond a number of KiB. */
export const underLimit = (kibibytes: number, folder: string, ...args: string[]): Promise<Ended> =>
  ended("bash", ["-c", `ulimit -f ${kibibytes} && exec "$@"`, "mf", process.execPath, mf, ...args], folder, {});

/** Starts `mf` in a folder. */
export const start = (folder: string, ...args: string[]): ChildProcess => startWith({}, folder, ...args);

/** The same with further environment variables. */
export const startWith = (env: NodeJS.ProcessEnv, folder: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [mf, ...args], {
    ...{ cwd: folder, env: { ...environment(), ...env } },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** A network small enough that a step takes milliseconds; every feature of the preset stays on. */
export const small = [
  "panda-meanflow",
  "--quick",
  "--task.network.width=16",
  "--task.network.depth=1",
  "--task.validation-poses=50",
  "--batch-size=16",
  "--train.log=1 steps",
];

export async function metricRows(folder: string, name: string): Promise<Record<string, number>[]> {
  const text = await readFile(join(folder, "runs", name, "metrics.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);
}

/** Hashes of what a checkpoint holds: the weights, and all tensors (weights, moments, average). */
export async function checkpointHashes(folder: string, name: string, steps: number) {
  const path = join(folder, "runs", name, "checkpoints", `step-${String(steps).padStart(8, "0")}`, "manifest.json");
  const { weightsSha256, tensors, clock, cursor, memory } = JSON.parse(await readFile(path, "utf8"));
  return { weightsSha256, tensors: tensors.sha256, clock, cursor, memory };
}
