import { constants, crc32, inflateRawSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { errors } from "../errors.ts";
import { readBytes, writeAtomically } from "./bytes.ts";
import type { HostTensor } from "./host-tensor.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";

export interface NpzOptions {
  /** Deflates the arrays: smaller, and about five times slower to read. */
  readonly compressed?: boolean;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_32 = 0xffffffff;

interface Member {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The arrays of an NPZ file by name, stored or deflated, with their checksums verified. Throws MF_FILE_FORMAT naming
 * `path` and, where it is one array that is damaged, the array.
 */
export function decodeNpz(bytes: Uint8Array, path: string): Record<string, HostTensor> {
  const arrays = new Map<string, HostTensor>();
  for (const member of members(bytes, path)) {
    if (!member.name.endsWith(".npy")) continue;
    const name = member.name.slice(0, -".npy".length);
    if (arrays.has(name)) throw errors.MF_FILE_FORMAT({ path, problem: `it holds the array "${name}" twice` });
    arrays.set(name, decodeNpy(contents(bytes, member, path), `${path} → ${member.name}`));
  }
  return Object.fromEntries(arrays);
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

function members(bytes: Uint8Array, path: string): Member[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (problem: string) => errors.MF_FILE_FORMAT({ path, problem });
  const signed = (at: number, length: number, signature: number): boolean =>
    at >= 0 && at + length <= bytes.length && view.getUint32(at, true) === signature;

  // The end record is 22 bytes and a comment of at most 65 535.
  let end = bytes.length - 22;
  const first = Math.max(0, end - 0xffff);
  while (end >= first && !signed(end, 22, END)) end--;
  if (end < first) throw fail("it is not a complete zip archive; it may be cut off");

  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (signed(end - 20, 20, LOCATOR_64)) {
    const end64 = Number(view.getBigUint64(end - 12, true));
    if (!signed(end64, 56, END_64)) throw fail("its zip64 end record is damaged");
    count = Number(view.getBigUint64(end64 + 32, true));
    at = Number(view.getBigUint64(end64 + 48, true));
  }

  const found: Member[] = [];
  for (let i = 0; i < count; i++) {
    if (!signed(at, 46, CENTRAL)) throw fail(`its zip directory is damaged at entry ${i + 1} of ${count}`);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) throw fail(`its zip directory is damaged at entry ${i + 1} of ${count}`);
    const wide = wideFields(view, at + 46 + nameLength, extraLength);
    const field = (offset: number): number => {
      const value = view.getUint32(at + offset, true);
      return value === MAX_32 ? Number(wide.shift() ?? BigInt(MAX_32)) : value;
    };
    // The zip64 extra holds, in this order, only those of the three that did not fit.
    const size = field(24);
    const packed = field(20);
    const offset = field(42);
    found.push({
      name: Buffer.from(bytes.subarray(at + 46, at + 46 + nameLength)).toString("utf8"),
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & 1) === 1,
      crc: view.getUint32(at + 16, true),
      packed,
      size,
      offset,
    });
    at = next;
  }
  return found;
}

function wideFields(view: DataView, start: number, length: number): bigint[] {
  for (let at = start; at + 4 <= start + length; ) {
    const size = view.getUint16(at + 2, true);
    if (at + 4 + size > start + length) break;
    if (view.getUint16(at, true) === 1) {
      return Array.from({ length: Math.floor(size / 8) }, (_, i) => view.getBigUint64(at + 4 + i * 8, true));
    }
    at += 4 + size;
  }
  return [];
}

function contents(bytes: Uint8Array, member: Member, path: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (problem: string, cause?: unknown) =>
    errors.MF_FILE_FORMAT({ path, problem: `its array file "${member.name}" ${problem}` }, { cause });
  if (member.encrypted) throw fail("is encrypted");
  const { offset } = member;
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL)
    throw fail("is not where the directory says");
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + member.packed > bytes.length) throw fail("is cut off");
  const packed = bytes.subarray(start, start + member.packed);

  const data = unpack(packed, member, fail);
  if (data.length !== member.size) throw fail(`holds ${data.length} bytes, not the ${member.size} it promises`);
  if (crc32(data) !== member.crc) throw fail("is damaged: its checksum differs");
  return data;
}

function unpack(packed: Uint8Array, member: Member, fail: (problem: string, cause?: unknown) => Error): Uint8Array {
  if (member.method === 0) return packed;
  if (member.method !== 8) throw fail(`is compressed by method ${member.method}; stored and deflated are read`);
  try {
    return inflateRawSync(packed, {
      maxOutputLength: Math.max(1, member.size),
      finishFlush: constants.Z_FINISH,
    });
  } catch (cause) {
    throw fail("is damaged: it cannot be inflated", cause);
  }
}
