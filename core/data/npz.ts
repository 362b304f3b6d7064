import { constants, crc32, inflateRawSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { errors } from "../errors.ts";
import { readBytes, writeAtomically } from "./bytes.ts";
import type { HostTensor } from "./host-tensor.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import { memberError, ZIP_LOCAL, type ZipMember, zipDirectory, zipMemberStart, zipMembers } from "./zip.ts";

export interface NpzOptions {
  /** Deflates the arrays: smaller, and about five times slower to read. */
  readonly compressed?: boolean;
}

/**
 * The arrays of an NPZ file by name, stored or deflated, with their checksums verified. Throws MF_FILE_FORMAT naming
 * `path` and, where it is one array that is damaged, the array.
 */
export function decodeNpz(bytes: Uint8Array, path: string): Record<string, HostTensor> {
  const { start, count } = zipDirectory(bytes, 0, path);
  const members = arrayMembers(zipMembers(bytes.subarray(start), count, path), path);
  return Object.fromEntries(
    [...members].map(([name, member]) => [name, decodeNpy(contents(bytes, member, path), `${path} → ${member.name}`)]),
  );
}

/** The members that are arrays, by the arrays' names. Throws MF_FILE_FORMAT for a name that is there twice. */
export function arrayMembers(members: readonly ZipMember[], path: string): Map<string, ZipMember> {
  const arrays = new Map<string, ZipMember>();
  for (const member of members) {
    if (!member.name.endsWith(".npy")) continue;
    const name = member.name.slice(0, -".npy".length);
    if (arrays.has(name)) throw errors.MF_FILE_FORMAT({ path, problem: `it holds the array "${name}" twice` });
    arrays.set(name, member);
  }
  return arrays;
}

/** Reads an NPZ file. Throws MF_FILE_MISSING, MF_FILE_UNREADABLE or MF_FILE_FORMAT. */
export const readNpz = async (path: string): Promise<Record<string, HostTensor>> =>
  decodeNpz(await readBytes(path, "Data file"), path);

/** Writes arrays as NumPy's `savez` does. The same arrays give the same bytes: no time of day is stored. */
export function encodeNpz(
  arrays: Readonly<Record<string, HostTensor>>,
  { compressed = false }: NpzOptions = {},
): Uint8Array {
  const mtime = new Date(1980, 0, 1);
  const level = compressed ? 6 : 0;
  const files: Zippable = Object.fromEntries(
    Object.entries(arrays).map(([name, tensor]) => [`${name}.npy`, [encodeNpy(tensor), { level, mtime }]]),
  );
  return zipSync(files);
}

/** Writes an NPZ file in one moment: a crash leaves the old file or the new one. */
export const writeNpz = (
  path: string,
  arrays: Readonly<Record<string, HostTensor>>,
  options?: NpzOptions,
): Promise<void> => writeAtomically(path, encodeNpz(arrays, options));

function contents(bytes: Uint8Array, member: ZipMember, path: string): Uint8Array {
  const fail = (problem: string, cause?: unknown) => memberError(path, member, problem, cause);
  const local = bytes.subarray(member.offset, member.offset + ZIP_LOCAL);
  const start = zipMemberStart(local, member, bytes.length, path);
  const data = unpack(bytes.subarray(start, start + member.packed), member, fail);
  if (data.length !== member.size) throw fail(`holds ${data.length} bytes, not the ${member.size} it promises`);
  if (crc32(data) !== member.crc) throw fail("is damaged: its checksum differs");
  return data;
}

function unpack(packed: Uint8Array, member: ZipMember, fail: (problem: string, cause: unknown) => Error): Uint8Array {
  if (member.method === 0) return packed;
  try {
    return inflateRawSync(packed, {
      maxOutputLength: Math.max(1, member.size),
      finishFlush: constants.Z_FINISH,
    });
  } catch (cause) {
    throw fail("is damaged: it cannot be inflated", cause);
  }
}
