import type { HostBatch } from "./host-tensor.ts";

/**
 * Where a reader stands. Together with the dataset it decides every later batch, so a run resumes in constant time:
 * nothing is skipped over, nothing replayed.
 */
export interface Cursor {
  /** Passes over the data that are complete. */
  readonly epoch: number;
  /** Samples of this epoch that are already consumed. */
  readonly position: number;
  /** Seed of the permutations (one is derived per epoch) and of generated samples. */
  readonly seed: number;
}

export interface Read {
  readonly batch: HostBatch;
  /** Where the next read starts. */
  readonly next: Cursor;
}

/**
 * Training data as a pure function of a cursor: `read(c, b)` gives the same batch whenever it is called.
 * Batches always hold exactly `batchSize` samples, so that the step keeps its shapes; the end of an epoch that does
 * not fill a batch is left out of that epoch (another permutation leaves out other samples).
 */
export interface Dataset {
  /** Samples in an epoch; null when samples are generated without end. */
  readonly size: number | null;
  read(cursor: Cursor, batchSize: number): Read | Promise<Read>;
  close?(): void | Promise<void>;
}
