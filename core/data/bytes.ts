import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errors, isMfError } from "../errors.ts";

const GIB = 2 ** 30;
const LARGEST = 4 * GIB - 1;
const CHUNK = 2 ** 28;

/** Turns what the file system threw while reading `path` into an error that names the file. */
export function readError(path: string, what: string, cause: unknown): Error {
  if (isMfError(cause)) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return errors.MF_FILE_MISSING({ path, what }, { cause });
  return errors.MF_FILE_UNREADABLE({ path, problem: describe(cause) }, { cause });
}

/** Turns what the file system threw while writing `path` into an error that names the file. */
export const writeError = (path: string, cause: unknown): Error =>
  isMfError(cause) ? cause : errors.MF_FILE_UNWRITABLE({ path, problem: describe(cause) }, { cause });

function describe(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES" || code === "EPERM") return "permission is denied";
  if (code === "ENOSPC") return "the disk is full";
  return message ?? String(cause);
}

/** Reads a file whole, up to 4 GiB (Node's own `readFile` ends at 2). */
export async function readBytes(path: string, what = "File"): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    if (size > LARGEST) {
      throw errors.MF_FILE_UNREADABLE({
        path,
        problem: `it holds ${(size / GIB).toFixed(1)} GiB, and only files up to 4 GiB are read whole; store it as .npy, which is read in windows`,
      });
    }
    const bytes = new Uint8Array(size);
    const read = await readAt(file, bytes, 0);
    return read === size ? bytes : bytes.subarray(0, read);
  } catch (cause) {
    throw readError(path, what, cause);
  } finally {
    await file?.close();
  }
}

/** Fills `bytes` from `position` on; returns how many bytes the file had. */
export async function readAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(CHUNK, bytes.length - done), position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Writes bytes that survive a power cut once the promise resolves. The file must not exist. */
export async function writeSynced(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes renames inside a folder survive a power cut. Windows cannot open folders and needs no such call. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Replaces a file in one moment: a reader finds the old bytes or the new ones, never a part. Makes the folders it needs. */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const beside = join(folder, `.tmp-${basename(path)}-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeSynced(beside, bytes);
    await rename(beside, path);
    await syncFolder(folder);
  } catch (cause) {
    // The reason to report is the first failure.
    await rm(beside, { force: true }).catch(() => {});
    throw writeError(path, cause);
  }
}
