import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeAtomically } from "../../../core/data/bytes.ts";
import { FILE_HEADER, frame, unframe } from "./datastore.ts";
import { decodeRecord, encodeRecord, type LocalRecord, type RunInfo } from "./records.ts";
import { type HistoryStart, stepBefore } from "./rows.ts";

/** A run as W&B keeps it on disk, in the form that `wandb sync` sends. */
export interface LocalRun {
  readonly folder: string;
  readonly file: string;
  readonly run: RunInfo;
  /** Rows there were when it was opened, and what they leave off with. */
  readonly rows: number;
  readonly start: HistoryStart;
  /**
   * Appends `settled` for good, and `tail` until the next call writes over it: a row that may still grow, the summary,
   * the end of the run. Returns how many bytes of the file will not change any more.
   */
  write(settled: readonly LocalRecord[], tail: readonly LocalRecord[]): Promise<number>;
  markSynced(): Promise<void>;
  close(): Promise<void>;
}

/** Below a run's folder, where W&B's tools look. */
export const LOCAL_RUNS = "wandb";
/** Which runs W&B's tools take for sent already, but for what failed, and which they offer to send. */
const PREFIX = { online: "run-", offline: "offline-run-" } as const;
const SYNCED = ".synced";
const SYNC_STATE = ".syncstate";

/**
 * Opens the local copy of a run below `directory`, and makes it when there is none. Of one that is there, rows after
 * `steps` and the end are dropped, for they are written again. Rejects with what the file system throws.
 */
export async function openLocalRun(
  directory: string,
  run: RunInfo,
  steps: number,
  mode: keyof typeof PREFIX,
): Promise<LocalRun> {
  const found = await findLocalRun(directory, run.id);
  const started = timestamp(new Date(run.startedAt_ms));
  const folder = found === null ? join(directory, `${PREFIX[mode]}${started}-${run.id}`) : await named(found, mode);
  const file = fileIn(folder, run.id);
  const kept = found === null ? null : keep(await readFile(file), steps);
  const { startedAt_ms, rowsBefore } = kept?.run ?? run;
  const now: RunInfo = { ...run, startedAt_ms, rowsBefore };
  const payloads = [
    encodeRecord({ kind: "header" }, 1),
    encodeRecord({ kind: "run", run: now }, 2),
    ...(kept?.payloads ?? []),
  ];
  const head = Buffer.concat([FILE_HEADER, frame(payloads, FILE_HEADER.length)]);
  await mkdir(join(folder, "files"), { recursive: true });
  await writeAtomically(file, head);
  await rm(file + SYNCED, { force: true });
  await rm(file + SYNC_STATE, { force: true });
  return {
    ...{ folder, file, run: now },
    rows: kept?.rows ?? 0,
    start: kept?.start ?? { step: stepBefore(steps), summary: new Map(), runtime_s: 0 },
    ...createWriter(await open(file, "r+"), head.length, payloads.length + 1),
    markSynced: () => markSynced(file),
  };
}

const fileIn = (folder: string, id: string): string => join(folder, `run-${id}.wandb`);

/** Leaves the mark by which `wandb sync` knows that there is nothing to send. */
export const markSynced = (file: string): Promise<void> => writeFile(file + SYNCED, "");

/** The folder under the name for the mode; one that has been online stays so, for the server may have a part of it. */
async function named(folder: string, mode: keyof typeof PREFIX): Promise<string> {
  const name = basename(folder);
  if (mode === "offline" || name.startsWith(PREFIX.online)) return folder;
  const next = join(dirname(folder), name.replace(PREFIX.offline, PREFIX.online));
  await rename(folder, next);
  return next;
}

const FOLDER = /^(?:offline-)?run-\d{8}_\d{6}-([\w-]+)$/;

/** The folders below `directory`, and the run that each is of. */
export async function listLocalRuns(directory: string): Promise<{ folder: string; id: string; file: string }[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name) => {
    const id = FOLDER.exec(name)?.[1];
    const folder = join(directory, name);
    return id === undefined ? [] : [{ folder, id, file: fileIn(folder, id) }];
  });
}

const findLocalRun = async (directory: string, id: string): Promise<string | null> =>
  (await listLocalRuns(directory)).find((found) => found.id === id)?.folder ?? null;

/** 20260131_235959, local time, as W&B names its folders. */
function timestamp(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

interface Kept {
  readonly run: RunInfo | null;
  readonly payloads: readonly Uint8Array[];
  readonly rows: number;
  readonly start: HistoryStart;
}

/** The rows of a file up to a step with the files they name, in their order. */
function keep(bytes: Uint8Array, steps: number): Kept {
  const payloads: Uint8Array[] = [];
  // Files are recorded before the row that names them.
  let waiting: Uint8Array[] = [];
  let run: RunInfo | null = null;
  let rows = 0;
  let runtime_s = 0;
  const summary = new Map<string, string>();
  for (const { payload } of unframe(bytes.subarray(FILE_HEADER.length), FILE_HEADER.length)) {
    const record = decodeRecord(payload);
    if (record?.kind === "run") run = record.run;
    if (record?.kind === "files") waiting.push(payload);
    if (record?.kind !== "history") continue;
    if (record.step > steps) break;
    payloads.push(...waiting, payload);
    waiting = [];
    rows += 1;
    for (const [key, text] of record.values) summary.set(key, text);
    runtime_s = Number(record.values.get("_runtime"));
  }
  return { run, payloads, rows, start: { step: stepBefore(steps), summary, runtime_s } };
}

/** `next` numbers the records to come. */
function createWriter(handle: FileHandle, length: number, next: number): Pick<LocalRun, "write" | "close"> {
  let settledBytes = length;
  let number = next;
  return {
    async write(settled, tail) {
      const encode = (record: LocalRecord, i: number): Uint8Array => encodeRecord(record, number + i);
      const lasting = frame(settled.map(encode), settledBytes);
      number += settled.length;
      const passing = frame(tail.map(encode), settledBytes + lasting.length);
      // Cut before it is written, so that a process killed in between leaves whole records only.
      await handle.truncate(settledBytes);
      await writeAll(handle, Buffer.concat([lasting, passing]), settledBytes);
      settledBytes += lasting.length;
      return settledBytes;
    },
    close: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
