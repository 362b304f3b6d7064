import { errors } from "../errors.ts";

export interface ZipMember {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  /** Bytes in the archive, and when unpacked. */
  readonly packed: number;
  readonly size: number;
  /** Of the local header. */
  readonly offset: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_32 = 0xffffffff;

/** Bytes at an archive's end that hold its end records: 22, 20 and 56, and a comment of at most 65 535. */
export const ZIP_TAIL = 0xffff + 22 + 20 + 56;

/** Bytes of a local header before its name. */
export const ZIP_LOCAL = 30;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const isSigned = (bytes: Uint8Array, at: number, length: number, signature: number): boolean =>
  at >= 0 && at + length <= bytes.length && viewOf(bytes).getUint32(at, true) === signature;

/** Where the directory lies, from the archive's last bytes, which begin at `tailStart`. Throws MF_FILE_FORMAT. */
export function zipDirectory(
  tail: Uint8Array,
  tailStart: number,
  path: string,
): { readonly start: number; readonly length: number; readonly count: number } {
  const view = viewOf(tail);
  let end = tail.length - 22;
  const first = Math.max(0, end - 0xffff);
  while (end >= first && !isSigned(tail, end, 22, END)) end--;
  if (end < first) {
    throw errors.MF_FILE_FORMAT({ path, problem: "it is not a complete zip archive; it may be cut off" });
  }
  if (!isSigned(tail, end - 20, 20, LOCATOR_64)) {
    return {
      start: view.getUint32(end + 16, true),
      length: view.getUint32(end + 12, true),
      count: view.getUint16(end + 10, true),
    };
  }
  const end64 = Number(view.getBigUint64(end - 12, true)) - tailStart;
  if (!isSigned(tail, end64, 56, END_64)) {
    throw errors.MF_FILE_FORMAT({ path, problem: "its zip64 end record is damaged" });
  }
  return {
    start: Number(view.getBigUint64(end64 + 48, true)),
    length: Number(view.getBigUint64(end64 + 40, true)),
    count: Number(view.getBigUint64(end64 + 32, true)),
  };
}

/** The members that the directory's bytes list. Throws MF_FILE_FORMAT. */
export function zipMembers(directory: Uint8Array, count: number, path: string): ZipMember[] {
  const view = viewOf(directory);
  const found: ZipMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const damaged = () =>
      errors.MF_FILE_FORMAT({ path, problem: `its zip directory is damaged at entry ${i + 1} of ${count}` });
    if (!isSigned(directory, at, 46, CENTRAL)) throw damaged();
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > directory.length) throw damaged();
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
      name: Buffer.from(directory.subarray(at + 46, at + 46 + nameLength)).toString("utf8"),
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

/** An error about one member, whose file is `path`. */
export const memberError = (path: string, member: ZipMember, problem: string, cause?: unknown): Error =>
  errors.MF_FILE_FORMAT({ path, problem: `its array file "${member.name}" ${problem}` }, { cause });

/**
 * Where a member's packed bytes begin, from the first bytes of its local header; `archive` is the length of the whole.
 * Throws MF_FILE_FORMAT for a member that is encrypted, compressed in another way than deflated, or not all there.
 */
export function zipMemberStart(local: Uint8Array, member: ZipMember, archive: number, path: string): number {
  const fail = (problem: string) => memberError(path, member, problem);
  if (member.encrypted) throw fail("is encrypted");
  if (!isSigned(local, 0, ZIP_LOCAL, LOCAL)) throw fail("is not where the directory says");
  const view = viewOf(local);
  const start = member.offset + ZIP_LOCAL + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + member.packed > archive) throw fail("is cut off");
  if (member.method !== 0 && member.method !== 8) {
    throw fail(`is compressed by method ${member.method}; stored and deflated are read`);
  }
  return start;
}
