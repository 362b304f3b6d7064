import { createStream } from "../random.ts";
import { permutation } from "./permutation.ts";

/** The order an epoch reads a source in: the rows of the source at `place` in it, as far as they lie together. */
export type RowOrder = (place: number, limit: number) => { readonly start: number; readonly count: number };

export const sourceOrder: RowOrder = (place, limit) => ({ start: place, count: limit });

/** The rows, cut into blocks at an offset of the epoch's own, in a random order of the blocks. */
export function blockOrder(rows: number, blockRows: number, seed: number, epoch: number): RowOrder {
  const fullBlocks = Math.floor(rows / blockRows);
  const order = permutation(fullBlocks, seed, epoch, "blocks");
  const offset = createStream(seed, "block-offset", epoch).below(rows);
  return (place, limit) => {
    const block = Math.floor(place / blockRows);
    const within = place - block * blockRows;
    // The last block may be short. It is never permuted, so that places map to blocks by division.
    const start = ((block < fullBlocks ? order(block) * blockRows + within : place) + offset) % rows;
    return { start, count: Math.min(limit, blockRows - within, rows - start) };
  };
}

/** Parts of the source in a random order, each from front to back. */
export function partOrder(parts: readonly number[], seed: number, epoch: number): RowOrder {
  const order = permutation(parts.length, seed, epoch, "parts");
  const starts: number[] = [];
  let rows = 0;
  for (const count of parts) {
    starts.push(rows);
    rows += count;
  }
  const shuffled = parts.map((_, i) => order(i));
  const ends: number[] = [];
  for (const part of shuffled) ends.push((ends.at(-1) ?? 0) + parts[part]!);
  return (place, limit) => {
    const i = ends.findIndex((end) => place < end);
    const part = shuffled[i]!;
    const left = ends[i]! - place;
    return { start: starts[part]! + parts[part]! - left, count: Math.min(limit, left) };
  };
}
