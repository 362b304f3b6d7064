import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readError, writeError } from "../../../../core/data/bytes.ts";
import type { NpzFile } from "../../../../core/data/npz-head.ts";
import { checkSums, npzRows } from "../../../../core/data/npz-rows.ts";
import { errors, isMfError } from "../../../../core/errors.ts";
import type { Log } from "../../../../core/plugin.ts";
import type { ParameterSpace } from "../parameters/space.ts";
import { gaitDataErrors } from "./errors.ts";
import { checkedRows, type Description, openMotions } from "./rows.ts";

/** The .npz files of a folder, sorted by name. Throws MF_FILE_MISSING, MF_FILE_UNREADABLE, MF_GAIT_DATA_FOLDER. */
export async function npzFiles(folder: string): Promise<string[]> {
  try {
    if (!(await stat(folder)).isDirectory()) {
      throw errors.MF_FILE_UNREADABLE({ path: folder, problem: "it is a file; name the folder it lies in" });
    }
    const names = (await readdir(folder)).filter((name) => name.endsWith(".npz") && !name.startsWith("."));
    if (names.length === 0) throw gaitDataErrors.MF_GAIT_DATA_FOLDER({ path: folder });
    return names.sort().map((name) => join(folder, name));
  } catch (cause) {
    throw readError(folder, "Data folder", cause);
  }
}

/** Makes a folder to write to. Throws MF_GAIT_OUT where there is something in it, MF_FILE_UNWRITABLE. */
export async function makeEmptyFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if ((await readdir(path)).length > 0) throw gaitDataErrors.MF_GAIT_OUT({ path });
  } catch (cause) {
    throw writeError(path, cause);
  }
}

/** Rows that are checked at once. */
const CHECKED_ROWS = 128;

/** Reads a whole file for its values and checksums. Throws as its rows do, and MF_FILE_FORMAT. */
export async function checkFile(file: NpzFile, space: ParameterSpace): Promise<void> {
  const rows = npzRows([file], checkedRows(space));
  try {
    for (let at = 0; at < rows.rows; at += CHECKED_ROWS) await rows.read(at, Math.min(CHECKED_ROWS, rows.rows - at));
  } finally {
    await rows.close?.();
  }
  await checkSums(file);
}

const REPORT_MILLISECONDS = 5000;

/**
 * Opens files of motions. A bad one is an error, or, where they are skipped, a warning: then every value is read now, so
 * that which rows there are does not change later. Throws MF_GAIT_DATA_NONE_USABLE where none is left.
 */
export async function openFiles(
  folder: string,
  description: Description,
  skipBadFiles: boolean,
  log: Log,
): Promise<NpzFile[]> {
  const paths = await npzFiles(folder);
  const files: NpzFile[] = [];
  let first: Error | undefined;
  let reported = performance.now();
  for (const [i, path] of paths.entries()) {
    try {
      const file = await openMotions(path, description);
      if (skipBadFiles) await checkFile(file, description.space);
      files.push(file);
    } catch (error) {
      if (!skipBadFiles || !isMfError(error)) throw error;
      first ??= error;
      log.warn(`Skipped a file: ${error.message}`);
    }
    if (skipBadFiles && performance.now() - reported > REPORT_MILLISECONDS) {
      log.info(`Checked ${i + 1} of ${paths.length} files.`);
      reported = performance.now();
    }
  }
  if (first !== undefined) {
    log.warn(`${paths.length - files.length} of ${paths.length} files of "${folder}" were skipped.`);
    if (files.length === 0) {
      throw gaitDataErrors.MF_GAIT_DATA_NONE_USABLE({ path: folder, files: paths.length, first: first.message });
    }
  }
  return files;
}
