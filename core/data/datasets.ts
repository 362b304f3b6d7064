import { createStream, type RandomStream } from "../random.ts";
import { batchStart, checkBatchSize, nextCursor } from "./cursor.ts";
import type { Cursor, Dataset, Read } from "./dataset.ts";
import type { HostBatch } from "./host-tensor.ts";
import { permutation } from "./permutation.ts";
import { emptyRows, gatherRows, rowCount } from "./rows.ts";

/** A dataset whose batches need no waiting. */
export interface ReadyDataset extends Dataset {
  read(cursor: Cursor, batchSize: number): Read;
}

/**
 * Arrays in memory, `[N, …]` each with the same N, in a new order every epoch. Throws MF_BATCH_SHAPE for unequal N, and
 * on reading MF_BATCH_SIZE for a batch larger than N.
 */
export function arrayDataset(arrays: HostBatch, { shuffle = true }: { readonly shuffle?: boolean } = {}): ReadyDataset {
  const size = rowCount(arrays);
  return {
    size,
    read(cursor, batchSize) {
      checkBatchSize(batchSize, size);
      const { epoch, position, seed } = batchStart(cursor, batchSize, size);
      const order = shuffle ? permutation(size, seed, epoch) : (i: number) => i;
      const batch = emptyRows(arrays, batchSize);
      gatherRows(batch, 0, arrays, batchSize, (i) => order(position + i));
      return { batch, next: nextCursor(cursor, batchSize, size) };
    },
  };
}

/**
 * Samples made on demand, without end. `generate` returns `count` samples, `[count, …]`, drawn from `random` alone;
 * `index` counts the samples made before. Throws MF_BATCH_SHAPE when it returns another number of them.
 */
export function generatedDataset(
  generate: (random: RandomStream, count: number, index: number) => HostBatch,
): ReadyDataset {
  return {
    size: null,
    read(cursor, batchSize) {
      checkBatchSize(batchSize, null);
      const batch = generate(createStream(cursor.seed, "data", cursor.position), batchSize, cursor.position);
      rowCount(batch, batchSize);
      return { batch, next: nextCursor(cursor, batchSize, null) };
    },
  };
}
