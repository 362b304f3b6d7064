import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readBytes, syncFolder, writeError, writeSynced } from "../data/bytes.ts";
import type { HostTensor } from "../data/host-tensor.ts";
import { decodeSafetensors } from "../data/safetensors.ts";
import { errors, isMfError, type MfError } from "../errors.ts";
import { sha256 } from "./digest.ts";
import { encodeCheckpoint, MANIFEST_FILE, type Manifest, type ManifestDraft, parseManifest } from "./manifest.ts";

export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  /** By path: `params/…`, `opt/…`, `slots/…`, `step`. */
  readonly tensors: Record<string, HostTensor>;
}

/** A checkpoint as found in a folder; its tensors are not looked at. */
export interface CheckpointEntry {
  readonly name: string;
  readonly path: string;
  /** Null when the manifest is damaged, which `problem` then describes. */
  readonly manifest: Manifest | null;
  readonly problem: MfError | null;
}

/** The folder name of the checkpoint after `steps` steps. */
export const checkpointName = (steps: number): string => `step-${String(steps).padStart(8, "0")}`;

// Both start with a dot, which no name may. ".old-" holds a checkpoint while its successor takes its place.
const TEMPORARY = ".tmp-";
const REPLACED = ".old-";
const suffix = (): string => `-${process.pid}-${randomBytes(4).toString("hex")}`;
const replacedName = (folder: string): string | undefined => /^\.old-(.+)-\d+-[0-9a-f]{8}$/.exec(folder)?.[1];

/**
 * Writes the checkpoint `name` into `directory`: beside first, then renamed, everything synced, so that a crash at any
 * moment leaves a whole checkpoint. One of the same name is replaced and stays readable until it is. Throws
 * MF_FILE_UNWRITABLE, with nothing left behind.
 */
export async function saveCheckpoint(
  directory: string,
  name: string,
  draft: ManifestDraft,
  tensors: Readonly<Record<string, HostTensor>>,
): Promise<Manifest> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw errors.MF_INTERNAL({ problem: `"${name}" cannot name a checkpoint: use letters, digits, "-", "_" and ".".` });
  }
  const { manifest, manifestText, tensorBytes } = encodeCheckpoint(draft, tensors);
  const path = join(directory, name);
  const beside = join(directory, `${TEMPORARY}${name}${suffix()}`);
  try {
    await mkdir(beside, { recursive: true });
    await writeSynced(join(beside, manifest.tensors.file), tensorBytes);
    await writeSynced(join(beside, MANIFEST_FILE), manifestText);
    await syncFolder(beside);
    await takePlace(beside, path);
  } catch (cause) {
    // The reason to report is the first failure.
    await rm(beside, { recursive: true, force: true }).catch(() => {});
    throw writeError(path, cause);
  }
  return manifest;
}

async function takePlace(beside: string, path: string): Promise<void> {
  const directory = dirname(path);
  // A folder that is not empty cannot be renamed over; the old one steps aside, where every reader still finds it.
  const aside = join(directory, `${REPLACED}${basename(path)}${suffix()}`);
  const replaces = await exists(path);
  if (replaces) await rename(path, aside);
  try {
    await rename(beside, path);
  } catch (cause) {
    if (replaces) await rename(aside, path);
    throw cause;
  }
  await syncFolder(directory);
  if (replaces) await discard(aside);
}

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Removes a folder; half of it is never seen under its name. */
async function discard(path: string): Promise<void> {
  const doomed = join(dirname(path), `${TEMPORARY}discarded${suffix()}`);
  await rename(path, doomed);
  await rm(doomed, { recursive: true, force: true });
}

/**
 * Reads a checkpoint's folder, every byte verified. Throws MF_CHECKPOINT_NONE when there is no folder,
 * MF_CHECKPOINT_DAMAGED naming the file that differs, MF_CHECKPOINT_NEWER.
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const folder = (await exists(path)) ? path : await replacedBy(path);
  if (folder === undefined) throw errors.MF_CHECKPOINT_NONE({ where: path });
  const manifest = await readManifest(folder);
  const { file, bytes, sha256: expected } = manifest.tensors;
  const damaged = (problem: string, cause?: unknown) =>
    errors.MF_CHECKPOINT_DAMAGED({ path: folder, problem: `${file} ${problem}` }, { cause });
  // The manifest names the file, but may not lead out of its folder.
  if (basename(file) !== file) throw damaged("is not a file of this folder");
  const content = await readBytes(join(folder, file)).catch((cause: unknown) => {
    throw damaged(isMfError(cause) && cause.code === "MF_FILE_MISSING" ? "is missing" : "cannot be read", cause);
  });
  if (content.length !== bytes) throw damaged(`has ${content.length} bytes, not ${bytes}`);
  if (sha256(content) !== expected) throw damaged("differs from its checksum");
  return { path: folder, manifest, tensors: decodeSafetensors(content, join(folder, file)).tensors };
}

/** Reads only what a checkpoint says about itself. Throws as `loadCheckpoint` does. */
export async function readManifest(path: string): Promise<Manifest> {
  const bytes = await readBytes(join(path, MANIFEST_FILE)).catch((cause: unknown) => {
    const missing = isMfError(cause) && cause.code === "MF_FILE_MISSING";
    const problem = `${MANIFEST_FILE} ${missing ? "is missing" : "cannot be read"}`;
    throw errors.MF_CHECKPOINT_DAMAGED({ path, problem }, { cause });
  });
  return parseManifest(Buffer.from(bytes).toString("utf8"), path);
}

/** The folder a checkpoint was moved to by a writer that died before its successor was in place. */
async function replacedBy(path: string): Promise<string | undefined> {
  const name = basename(path);
  const aside = (await folders(dirname(path))).find((folder) => replacedName(folder) === name);
  return aside === undefined ? undefined : join(dirname(path), aside);
}

async function folders(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw errors.MF_FILE_UNREADABLE({ path: directory, problem: message }, { cause });
  }
}

/** The checkpoints of a folder, the most trained first; none when the folder does not exist. */
export async function listCheckpoints(directory: string): Promise<CheckpointEntry[]> {
  const found = await folders(directory);
  const places = new Map<string, string>();
  for (const folder of found) {
    const name = replacedName(folder);
    if (name !== undefined) places.set(name, folder);
  }
  for (const folder of found) if (!folder.startsWith(".")) places.set(folder, folder);

  const entries: CheckpointEntry[] = [];
  for (const [name, folder] of places) {
    const path = join(directory, folder);
    try {
      entries.push({ name, path, manifest: await readManifest(path), problem: null });
    } catch (error) {
      if (!isMfError(error)) throw error;
      entries.push({ name, path, manifest: null, problem: error });
    }
  }
  const created = ({ manifest }: CheckpointEntry): string => manifest?.created ?? "";
  return entries.sort((a, b) => stepsOf(b) - stepsOf(a) || (created(a) < created(b) ? 1 : -1));
}

/** Steps of a listed checkpoint, from its name when its manifest is damaged; −1 when neither tells. */
const stepsOf = ({ name, manifest }: CheckpointEntry): number =>
  manifest?.clock.steps ?? Number(/^step-(\d+)$/.exec(name)?.[1] ?? -1);

/**
 * The most trained checkpoint that is whole, and those passed over because they are not. Throws MF_CHECKPOINT_NONE when
 * none is left, MF_CHECKPOINT_NEWER rather than falling back past one that a later MotionForge can read.
 */
export async function latestUsable(
  directory: string,
): Promise<Checkpoint & { readonly damaged: readonly { readonly path: string; readonly problem: string }[] }> {
  const damaged: { path: string; problem: string }[] = [];
  let first: unknown;
  for (const { path, problem } of await listCheckpoints(directory)) {
    try {
      if (problem !== null) throw problem;
      return { ...(await loadCheckpoint(path)), damaged };
    } catch (error) {
      if (!isMfError(error) || error.code === "MF_CHECKPOINT_NEWER") throw error;
      damaged.push({ path, problem: error.message });
      first ??= error;
    }
  }
  throw errors.MF_CHECKPOINT_NONE({ where: directory }, { cause: first });
}

/** Clears what writers that died left in the folder, and puts back a checkpoint that one had moved aside. Only while nobody writes. */
export async function removeTemporary(directory: string): Promise<void> {
  try {
    for (const folder of await folders(directory)) {
      const path = join(directory, folder);
      const name = replacedName(folder);
      if (folder.startsWith(TEMPORARY)) await rm(path, { recursive: true, force: true });
      else if (name !== undefined && (await exists(join(directory, name)))) await discard(path);
      else if (name !== undefined) await rename(path, join(directory, name));
    }
  } catch (cause) {
    throw writeError(directory, cause);
  }
}

/** Removes a checkpoint; it is gone from the list at once, never listed by half. */
export async function deleteCheckpoint(path: string): Promise<void> {
  await discard(path).catch((cause: unknown) => {
    throw writeError(path, cause);
  });
}
