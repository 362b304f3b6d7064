import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { errors } from "../errors.ts";
import { readAt, readError } from "./bytes.ts";
import { toFloat32 } from "./convert.ts";
import { createStorage, elementCount, readInPlace } from "./elements.ts";
import { checkFinite } from "./files.ts";
import type { HostBatch, HostTensor } from "./host-tensor.ts";
import { inTurn } from "./in-turn.ts";
import { type Inflating, inflating } from "./inflating.ts";
import type { NpzEntry, NpzFile } from "./npz-head.ts";
import { emptyRows, gatherRows } from "./rows.ts";
import type { RowSource } from "./windowed.ts";
import { memberError } from "./zip.ts";

/** Checks rows of one file, or makes others of them; as many as it is given, the first being the file's `firstRow`. */
export type RowConversion = (rows: HostBatch, file: NpzFile, firstRow: number) => HostBatch;

/** Throws MF_DATA_VALUE for a row that is not finite. */
const finiteRows: RowConversion = (rows, { path }, firstRow) => {
  for (const [name, tensor] of Object.entries(rows)) checkFinite(path, name, tensor, firstRow);
  return rows;
};

const isDeflated = ({ member }: NpzEntry): boolean => member.method !== 0;

/**
 * The rows of NPZ files with the same arrays, one file after another, without loading them. Stored arrays are read where
 * the rows lie. Deflated ones are inflated from their start to the rows asked for, and go on from there at the next read:
 * files that hold any are the source's `parts`. int32 stays int32, every other type becomes float32. Checksums are not
 * looked at (`checkSums` does). Throws MF_DATA_VALUE for files whose rows differ in shape; reads reject with what
 * `convert` throws, MF_FILE_UNREADABLE and MF_FILE_FORMAT.
 */
export function npzRows(files: readonly NpzFile[], convert: RowConversion = finiteRows): RowSource {
  const firstRows: number[] = [];
  let rows = 0;
  for (const file of files) {
    checkAlike(file, files[0]!);
    firstRows.push(rows);
    rows += file.rows;
  }
  const read = arrayReader();
  const readPart = async (file: NpzFile, start: number, count: number): Promise<HostBatch> => {
    const part: Record<string, HostBatch[string]> = {};
    for (const name of Object.keys(file.entries)) part[name] = await readRows(file, name, start, count, read.bytes);
    return convert(part, file, start);
  };
  const parts = files.some(({ entries }) => Object.values(entries).some(isDeflated));
  return {
    rows,
    ...(parts ? { parts: files.map((file) => file.rows) } : {}),
    read: inTurn(async (start, count) => {
      let all: Record<string, HostBatch[string]> | undefined;
      for (const [i, file] of files.entries()) {
        const from = Math.max(start - firstRows[i]!, 0);
        const to = Math.min(start + count - firstRows[i]!, file.rows);
        if (from >= to) continue;
        const part = await readPart(file, from, to - from);
        if (to - from === count) return part;
        all ??= emptyRows(part, count);
        gatherRows(all, firstRows[i]! + from - start, part, to - from, (row) => row);
      }
      return all ?? {};
    }),
    close: read.close,
  };
}

function checkAlike({ path, entries }: NpzFile, first: NpzFile): void {
  const rowsOf = ({ header }: NpzEntry): string =>
    `${header.dtype === "int32" ? "int32" : "float32"} [${header.shape.slice(1)}]`;
  for (const [array, entry] of Object.entries(entries)) {
    const [own, due] = [rowsOf(entry), rowsOf(first.entries[array]!)];
    if (own !== due) {
      throw errors.MF_DATA_VALUE({ path, array, problem: `has rows of ${own}, and "${first.path}" of ${due}` });
    }
  }
}

/** Fills `bytes` with an array file's own, from `position` on; returns how many there were. */
type ReadArray = (file: NpzFile, name: string, position: number, bytes: Uint8Array) => Promise<number>;

/** Reads bytes of arrays; of each deflated one, the stream that was last read from stays open. */
function arrayReader(): { readonly bytes: ReadArray; close(): void } {
  const streams = new Map<string, { readonly file: NpzFile; readonly stream: Inflating; at: number }>();
  const drop = (name: string): void => {
    streams.get(name)?.stream.close();
    streams.delete(name);
  };
  return {
    async bytes(file, name, position, bytes) {
      const entry = file.entries[name]!;
      if (!isDeflated(entry)) return storedBytes(file.path, entry.start + position, bytes);
      let open = streams.get(name);
      if (open === undefined || open.file !== file || open.at > position) {
        drop(name);
        open = { file, stream: inflating(file.path, entry.start, entry.member.packed), at: 0 };
        streams.set(name, open);
      }
      try {
        open.at += await open.stream.skip(position - open.at);
        const read = await open.stream.read(bytes);
        open.at += read;
        return read;
      } catch (cause) {
        drop(name);
        throw memberError(file.path, entry.member, "is damaged: it cannot be inflated", cause);
      }
    },
    close() {
      for (const name of [...streams.keys()]) drop(name);
    },
  };
}

async function storedBytes(path: string, position: number, bytes: Uint8Array): Promise<number> {
  const file = await open(path, "r");
  try {
    return await readAt(file, bytes, position);
  } finally {
    await file.close();
  }
}

async function readRows(
  file: NpzFile,
  name: string,
  start: number,
  count: number,
  read: ReadArray,
): Promise<HostBatch[string]> {
  const { header, member } = file.entries[name]!;
  const { dtype, bigEndian, offset } = header;
  const shape = [count, ...header.shape.slice(1)];
  const data = createStorage(dtype, elementCount(shape));
  const bytes = new Uint8Array(data.buffer);
  const position = offset + (start * bytes.length) / count;
  const found = await read(file, name, position, bytes).catch((cause: unknown) => {
    throw readError(file.path, "Data file", cause);
  });
  if (found !== bytes.length) throw memberError(file.path, member, "ended while it was read");
  readInPlace(dtype, data, bigEndian);
  const tensor = { dtype, shape, data } as HostTensor;
  return tensor.dtype === "int32" ? tensor : toFloat32(tensor);
}

const SUMMED = 2 ** 20;

/** Reads the file's `entries` whole, a piece at a time. Throws MF_FILE_FORMAT for one whose checksum differs. */
export async function checkSums(file: NpzFile): Promise<void> {
  const reader = arrayReader();
  try {
    for (const [name, { member }] of Object.entries(file.entries)) {
      let sum = 0;
      for (let at = 0; at < member.size; at += SUMMED) {
        const bytes = new Uint8Array(Math.min(SUMMED, member.size - at));
        await reader.bytes(file, name, at, bytes);
        sum = crc32(bytes, sum);
      }
      if (sum !== member.crc) throw memberError(file.path, member, "is damaged: its checksum differs");
    }
  } catch (cause) {
    throw readError(file.path, "Data file", cause);
  } finally {
    reader.close();
  }
}
