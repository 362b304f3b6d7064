import { crc32 } from "node:zlib";

/**
 * The container of a `.wandb` file: LevelDB's log format (leveldb/doc/log_format.md) after a header of 7 bytes, with a
 * plain CRC-32 where LevelDB has a masked CRC-32C.
 */
// ":W&B", 0xBEE1 little-endian, version 0.
export const FILE_HEADER = Uint8Array.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0]);
const BLOCK = 32_768;
const CHUNK_HEADER = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** Payloads as they stand in the file from byte `at` on. */
export function frame(payloads: Iterable<Uint8Array>, at: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let position = at;
  for (const payload of payloads) position = frameOne(payload, position, chunks);
  return Buffer.concat(chunks);
}

/** Adds a payload's chunks, which cross no block and are padded where a block ends; returns the position after them. */
function frameOne(payload: Uint8Array, at: number, chunks: Uint8Array[]): number {
  let done = 0;
  let position = at;
  do {
    const left = BLOCK - (position % BLOCK);
    const padding = left < CHUNK_HEADER ? left : 0;
    const room = (padding > 0 ? BLOCK : left) - CHUNK_HEADER;
    const length = Math.min(room, payload.length - done);
    const isLast = done + length === payload.length;
    const type = position === at ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE;
    const chunk = new Uint8Array(padding + CHUNK_HEADER + length);
    const view = new DataView(chunk.buffer, padding);
    view.setUint16(4, length, true);
    view.setUint8(6, type);
    chunk.set(payload.subarray(done, done + length), padding + CHUNK_HEADER);
    view.setUint32(0, crc32(chunk.subarray(padding + CHUNK_HEADER - 1)), true);
    chunks.push(chunk);
    done += length;
    position += chunk.length;
  } while (done < payload.length);
  return position;
}

export interface Framed {
  readonly payload: Uint8Array;
  /** Position in the file after the payload. */
  readonly end: number;
}

/**
 * The payloads of a stretch of the file that starts at byte `at`, where one begins. Ends before the first that is cut
 * off or damaged, as a killed process leaves one.
 */
export function* unframe(bytes: Uint8Array, at: number): Generator<Framed> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let parts: Uint8Array[] = [];
  let position = 0;
  for (;;) {
    const left = BLOCK - ((at + position) % BLOCK);
    if (left < CHUNK_HEADER) position += left;
    if (position + CHUNK_HEADER > bytes.length) return;
    const start = position + CHUNK_HEADER;
    const end = start + view.getUint16(position + 4, true);
    const type = view.getUint8(position + 6);
    const inOrder = parts.length === 0 ? type === FULL || type === FIRST : type === MIDDLE || type === LAST;
    if (!inOrder || end > bytes.length) return;
    if (view.getUint32(position, true) !== crc32(bytes.subarray(start - 1, end))) return;
    parts.push(bytes.subarray(start, end));
    position = end;
    if (type === FIRST || type === MIDDLE) continue;
    yield { payload: parts.length === 1 ? parts[0]! : Buffer.concat(parts), end: at + end };
    parts = [];
  }
}
