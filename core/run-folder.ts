import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CHECKPOINTS_FOLDER } from "./checkpoint/resolve.ts";
import { writeAtomically } from "./data/bytes.ts";
import { errors } from "./errors.ts";
import type { Json } from "./json.ts";

/** Where a run keeps what it writes. */
export interface RunFolder {
  readonly name: string;
  readonly path: string;
  readonly checkpoints: string;
}

export const runFolder = (path: string): RunFolder => ({
  name: basename(path),
  path: resolve(path),
  checkpoints: join(resolve(path), CHECKPOINTS_FOLDER),
});

/** A new run's folder: the given name (MF_RUN_EXISTS when taken), or `<prefix>-<number>` with the next free number. */
export async function createRunFolder(runs: string, name: string | null, prefix: string): Promise<RunFolder> {
  await mkdir(runs, { recursive: true });
  const taken = await readdir(runs);
  const number = (run: string): number => Number(run.slice(prefix.length + 1));
  const used = taken.filter((run) => run.startsWith(`${prefix}-`) && Number.isInteger(number(run))).map(number);
  let next = Math.max(0, ...used) + 1;
  for (;;) {
    const folder = runFolder(join(runs, name ?? `${prefix}-${String(next).padStart(3, "0")}`));
    try {
      // mkdir without `recursive` fails when another process was faster.
      await mkdir(folder.path);
      await mkdir(folder.checkpoints);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (name !== null) throw errors.MF_RUN_EXISTS({ run: name });
      next += 1;
    }
  }
}

/** The run that `path` (a run's folder, its checkpoints folder, or a checkpoint in it) belongs to. */
export async function runOf(path: string): Promise<RunFolder> {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (await exists(join(at, CHECKPOINTS_FOLDER))) return runFolder(at);
    if (at === dirname(at)) throw errors.MF_FILE_MISSING({ what: "Run", path });
  }
}

/** The run folder changed last, of those whose name starts with `prefix`. Throws MF_CHECKPOINT_NONE when there is none. */
export async function latestRun(runs: string, prefix: string): Promise<RunFolder> {
  let newest: { folder: RunFolder; at: number } | undefined;
  for (const name of await readdir(runs).catch(() => [])) {
    const folder = runFolder(join(runs, name));
    const at = (await stat(folder.checkpoints).catch(() => null))?.mtimeMs;
    if (at !== undefined && name.startsWith(prefix) && at > (newest?.at ?? 0)) newest = { folder, at };
  }
  if (newest === undefined) throw errors.MF_CHECKPOINT_NONE({ where: join(runs, `${prefix}*`) });
  return newest.folder;
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Writes a JSON document so that a reader never sees half of one. */
export const writeJson = (path: string, value: Json): Promise<void> =>
  writeAtomically(path, `${JSON.stringify(value, null, 2)}\n`);

/**
 * Marks the run as being trained by this process until the returned function is called. Throws MF_RUN_LOCKED while
 * another live process holds it; a lock that a killed process left is taken over.
 */
export async function lockRun(folder: RunFolder): Promise<() => Promise<void>> {
  const path = join(folder.path, "lock");
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx" });
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const pid = await trainingProcess(folder);
      if (pid !== null && pid !== process.pid) throw errors.MF_RUN_LOCKED({ run: folder.name, pid });
      await rm(path, { force: true });
    }
  }
}

/** The live process that trains the run; null when none does. */
export async function trainingProcess(folder: RunFolder): Promise<number | null> {
  const pid = Number(await readFile(join(folder.path, "lock"), "utf8").catch(() => ""));
  return pid > 0 && isAlive(pid) ? pid : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
