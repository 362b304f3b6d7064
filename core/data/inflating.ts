import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createInflateRaw } from "node:zlib";

/** Deflated bytes of a file, given out front to back; only a piece of them is in memory. Ask it one thing at a time. */
export interface Inflating {
  /** Fills `bytes` with those that follow; returns how many there were. Rejects as zlib or the file system does. */
  read(bytes: Uint8Array): Promise<number>;
  /** Passes over `count` bytes; returns how many there were. */
  skip(count: number): Promise<number>;
  close(): void;
}

const PIECE = 2 ** 18;

/** Inflates the `packed` bytes of the file from `start` on. */
export function inflating(path: string, start: number, packed: number): Inflating {
  const inflate = createInflateRaw({ chunkSize: PIECE });
  // Whatever fails reaches the reader through the last stream.
  pipeline(createReadStream(path, { start, end: start + packed - 1, highWaterMark: PIECE }), inflate, () => {});
  const pieces = inflate[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let piece: Uint8Array = new Uint8Array(0);

  const take = async (count: number, into?: Uint8Array): Promise<number> => {
    let done = 0;
    while (done < count) {
      if (piece.length === 0) {
        const next = await pieces.next();
        if (next.done === true) break;
        piece = next.value;
      }
      const length = Math.min(piece.length, count - done);
      into?.set(piece.subarray(0, length), done);
      piece = piece.subarray(length);
      done += length;
    }
    return done;
  };
  return {
    read: (bytes) => take(bytes.length, bytes),
    skip: (count) => take(count),
    close: () => void inflate.destroy(),
  };
}
