import { type FileHandle, open } from "node:fs/promises";
import { errors } from "../errors.ts";
import { readAt, readError } from "./bytes.ts";
import { elementBytes, elementCount } from "./elements.ts";
import { checkShape } from "./files.ts";
import { inflating } from "./inflating.ts";
import { NPY_HEADER_LIMIT, type NpyHeader, parseNpyHeader } from "./npy.ts";
import { arrayMembers } from "./npz.ts";
import { memberError, ZIP_LOCAL, ZIP_TAIL, type ZipMember, zipDirectory, zipMemberStart, zipMembers } from "./zip.ts";

/** An array in an NPZ file: what it holds, and where its bytes, stored or deflated, begin. */
export interface NpzEntry {
  readonly member: ZipMember;
  readonly header: NpyHeader;
  readonly start: number;
}

/** What an NPZ file says of itself; its rows were not read. */
export interface NpzFile {
  readonly path: string;
  /** Rows of each of `entries`. */
  readonly rows: number;
  readonly entries: Readonly<Record<string, NpzEntry>>;
  /** Every array in the file. */
  readonly names: readonly string[];
}

/**
 * Reads the heads of an NPZ file and checks that it holds arrays of rows of these shapes, equally many and row-major, and
 * is whole. Throws MF_FILE_MISSING, MF_FILE_UNREADABLE, MF_FILE_FORMAT, and MF_DATA_VALUE for an array that is missing,
 * of another shape or another length.
 */
export async function openNpz(
  path: string,
  rowShapes: Readonly<Record<string, readonly (number | null)[]>>,
): Promise<NpzFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    const members = await readMembers(file, size, path);
    const names = [...members.keys()];
    const entries: Record<string, NpzEntry> = {};
    let first: { name: string; rows: number } | undefined;
    for (const [name, rowShape] of Object.entries(rowShapes)) {
      const member = members.get(name);
      if (member === undefined) {
        const problem = `is missing (the file holds ${names.join(", ") || "nothing"})`;
        throw errors.MF_DATA_VALUE({ path, array: name, problem });
      }
      const entry = await readEntry(file, size, member, path);
      checkShape(path, name, entry.header, [null, ...rowShape]);
      const rows = entry.header.shape[0]!;
      first ??= { name, rows };
      if (rows !== first.rows) {
        const problem = `has ${rows} rows where "${first.name}" has ${first.rows}`;
        throw errors.MF_DATA_VALUE({ path, array: name, problem });
      }
      entries[name] = entry;
    }
    return { path, rows: first?.rows ?? 0, entries, names };
  } catch (cause) {
    throw readError(path, "Data file", cause);
  } finally {
    await file?.close();
  }
}

async function readMembers(file: FileHandle, size: number, path: string): Promise<Map<string, ZipMember>> {
  const tail = await bytesAt(file, Math.max(0, size - ZIP_TAIL), size);
  const { start, length, count } = zipDirectory(tail, size - tail.length, path);
  const directory = await bytesAt(file, start, Math.min(start + length, size));
  return arrayMembers(zipMembers(directory, count, path), path);
}

async function readEntry(file: FileHandle, size: number, member: ZipMember, path: string): Promise<NpzEntry> {
  const local = await bytesAt(file, member.offset, Math.min(member.offset + ZIP_LOCAL, size));
  const start = zipMemberStart(local, member, size, path);
  const length = Math.min(member.size, NPY_HEADER_LIMIT);
  const head =
    member.method === 0 ? await bytesAt(file, start, start + length) : await inflated(path, start, member, length);
  const header = parseNpyHeader(head, `${path} → ${member.name}`);
  const { dtype, fortran, shape, offset } = header;
  const fail = (problem: string) => memberError(path, member, problem);
  if (fortran && shape.length > 1) {
    throw fail("is column-major, so its rows are scattered; save it with numpy.ascontiguousarray");
  }
  const expected = offset + elementCount(shape) * elementBytes[dtype];
  if (member.size !== expected) throw fail(`promises ${expected} bytes and holds ${member.size}`);
  return { member, header, start };
}

async function bytesAt(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  return bytes.subarray(0, await readAt(file, bytes, start));
}

async function inflated(path: string, start: number, member: ZipMember, length: number): Promise<Uint8Array> {
  const stream = inflating(path, start, member.packed);
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, await stream.read(bytes));
  } catch (cause) {
    throw memberError(path, member, "is damaged: it cannot be inflated", cause);
  } finally {
    stream.close();
  }
}
