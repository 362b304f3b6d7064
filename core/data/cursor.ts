import { errors } from "../errors.ts";
import type { Cursor } from "./dataset.ts";

/** The beginning of the data. */
export const firstCursor = (seed: number): Cursor => ({ epoch: 0, position: 0, seed });

/** Where a batch that is asked for at `cursor` lies: there, or, when the epoch has too few samples left, in the next. */
export const batchStart = (cursor: Cursor, batchSize: number, size: number | null): Cursor =>
  size === null || cursor.position + batchSize <= size ? cursor : { ...cursor, epoch: cursor.epoch + 1, position: 0 };

/**
 * Where the batch after the one at `cursor` starts, found without reading either. An epoch counts as complete as soon as
 * no further batch fits into it. `size` null is endless data, whose epoch never ends.
 */
export function nextCursor(cursor: Cursor, batchSize: number, size: number | null): Cursor {
  const start = batchStart(cursor, batchSize, size);
  return batchStart({ ...start, position: start.position + batchSize }, batchSize, size);
}

/** Throws MF_BATCH_SIZE unless batches of this size exist. */
export function checkBatchSize(batchSize: number, size: number | null): void {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || (size !== null && batchSize > size)) {
    throw errors.MF_BATCH_SIZE({ batchSize, size });
  }
}
