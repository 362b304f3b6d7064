import { appendFile, mkdir, readdir, truncate } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { readBytes } from "../../../core/data/bytes.ts";
import { type Event, stepOf } from "./events.ts";
import { encodeRecord, readRecords } from "./record.ts";

/** TensorBoard reads every file with this in its name, in the order of their names. */
const PREFIX = "events.out.tfevents.";

/**
 * The path of the next event file of a folder, which is made where there is none; its name sorts after those that are
 * there, even when the clock has been set back.
 */
export async function nextEventFile(folder: string, seconds: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const stamps = (await eventFiles(folder)).map((name) => Number(name.slice(PREFIX.length).split(".")[0]) || 0);
  const stamp = Math.max(Math.floor(seconds), ...stamps.map((before) => before + 1));
  return join(folder, `${PREFIX}${String(stamp).padStart(10, "0")}.${hostname()}.${process.pid}.0.v2`);
}

/** Resolves when the events are with the operating system: a process that is killed then loses none of them. */
export const appendEvents = (path: string, events: readonly Event[]): Promise<void> =>
  appendFile(path, Buffer.concat(events.map(encodeRecord)));

/**
 * Cuts the event files of a folder where they go beyond a step, or end in half a record. What a killed run wrote of steps
 * that will be done again is then gone for every reader, also for those that do not know of sessions.
 */
export async function truncateEvents(folder: string, step: number): Promise<void> {
  for (const name of await eventFiles(folder)) {
    const path = join(folder, name);
    const bytes = await readBytes(path);
    const kept = keptLength(bytes, step);
    if (kept < bytes.length) await truncate(path, kept);
  }
}

function keptLength(bytes: Uint8Array, step: number): number {
  let kept = 0;
  for (const { data, end } of readRecords(bytes)) {
    if (stepOf(data) > step) break;
    kept = end;
  }
  return kept;
}

async function eventFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => name.startsWith(PREFIX)).sort();
}
