import { createStream } from "../random.ts";
import { batchStart, checkBatchSize, nextCursor } from "./cursor.ts";
import type { Dataset } from "./dataset.ts";
import type { HostBatch } from "./host-tensor.ts";
import { permutation } from "./permutation.ts";
import { emptyRows, gatherRows, rowCount } from "./rows.ts";

/** Rows that lie somewhere else than in memory, for example in files: `npyRows`. */
export interface RowSource {
  readonly rows: number;
  /** The rows [start, start + count) of every array. */
  read(start: number, count: number): Promise<HostBatch>;
  close?(): void | Promise<void>;
}

interface Window {
  readonly epoch: number;
  readonly index: number;
  readonly seed: number;
  readonly rows: Promise<HostBatch>;
}

// More blocks mix better, fewer make longer reads.
const BLOCKS_PER_WINDOW = 32;

/**
 * Data larger than memory, shuffled approximately: each epoch cuts the rows into blocks at another offset, permutes the
 * blocks, and permutes the rows among those of a window of 32 blocks. Holds one window of at most `windowRows` rows.
 * Throws MF_BATCH_SIZE on reading a batch larger than the data, and what the source throws.
 */
export function windowedDataset(
  source: RowSource,
  { windowRows, shuffle = true }: { readonly windowRows: number; readonly shuffle?: boolean },
): Dataset {
  const size = source.rows;
  checkBatchSize(windowRows, null);
  const blockRows = Math.max(1, Math.floor(windowRows / BLOCKS_PER_WINDOW));
  const windowSize = blockRows * Math.floor(windowRows / blockRows);
  const windows = Math.ceil(size / windowSize);
  const fullBlocks = Math.floor(size / blockRows);
  const rowsOf = (window: number): number => Math.min(windowSize, size - window * windowSize);

  async function load(epoch: number, index: number, seed: number): Promise<HostBatch> {
    const order = shuffle ? permutation(fullBlocks, seed, epoch, "blocks") : (i: number) => i;
    const offset = shuffle ? createStream(seed, "block-offset", epoch).below(size) : 0;
    let window: HostBatch | undefined;
    const copy = async (start: number, count: number, at: number): Promise<void> => {
      if (count === 0) return;
      const rows = await source.read(start, count);
      rowCount(rows, count);
      window ??= emptyRows(rows, rowsOf(index));
      gatherRows(window, at, rows, count, (i) => i);
    };
    for (let at = 0; at < rowsOf(index); at += blockRows) {
      const place = index * windowSize + at;
      const block = place / blockRows;
      // The last block may be short. It is never permuted, so that positions map to blocks by division.
      const start = ((block < fullBlocks ? order(block) * blockRows : place) + offset) % size;
      const count = Math.min(blockRows, size - place);
      const beforeEnd = Math.min(count, size - start);
      await copy(start, beforeEnd, at);
      await copy(0, count - beforeEnd, at + beforeEnd);
    }
    return window ?? {};
  }

  let cached: Window | undefined;
  const window = (epoch: number, index: number, seed: number): Promise<HostBatch> => {
    if (cached?.epoch !== epoch || cached.index !== index || cached.seed !== seed) {
      cached = undefined;
      const loading: Window = { epoch, index, seed, rows: load(epoch, index, seed) };
      cached = loading;
      loading.rows.catch(() => {
        if (cached === loading) cached = undefined;
      });
    }
    return cached.rows;
  };

  return {
    size,
    async read(cursor, batchSize) {
      checkBatchSize(batchSize, size);
      const { epoch, position, seed } = batchStart(cursor, batchSize, size);
      let batch: HostBatch | undefined;
      for (let at = 0; at < batchSize; ) {
        const index = Math.floor((position + at) / windowSize);
        const within = position + at - index * windowSize;
        const count = Math.min(batchSize - at, rowsOf(index) - within);
        const rows = await window(epoch, index, seed);
        const order = shuffle ? permutation(rowsOf(index), seed, epoch * windows + index, "window") : (i: number) => i;
        batch ??= emptyRows(rows, batchSize);
        gatherRows(batch, at, rows, count, (i) => order(within + i));
        at += count;
      }
      return { batch: batch ?? {}, next: nextCursor(cursor, batchSize, size) };
    },
    close: () => source.close?.(),
  };
}
