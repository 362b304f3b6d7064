import { batchStart, checkBatchSize, nextCursor } from "./cursor.ts";
import type { Cursor, Dataset, Read } from "./dataset.ts";
import type { HostBatch } from "./host-tensor.ts";
import { inTurn } from "./in-turn.ts";
import { permutation } from "./permutation.ts";
import { blockOrder, partOrder, type RowOrder, sourceOrder } from "./row-order.ts";
import { emptyRows, gatherRows, rowCount } from "./rows.ts";

/** Rows that lie somewhere else than in memory, for example in files: `npyRows`, `npzRows`. */
export interface RowSource {
  readonly rows: number;
  /** Rows of each part, where parts are quick to read only from front to back, as compressed files are. */
  readonly parts?: readonly number[];
  /** The rows [start, start + count) of every array. */
  read(start: number, count: number): Promise<HostBatch>;
  close?(): void | Promise<void>;
}

/** How samples are made of rows that each hold several. Sample s is the (s mod `perRow`)-th of row ⌊s / `perRow`⌋. */
export interface SamplesOfRows {
  readonly perRow: number;
  /** The arrays of a batch of `count` samples, zeroed. */
  empty(rows: HostBatch, count: number): Record<string, HostBatch[string]>;
  /** Fills the samples `at`, `at + 1`, … of `batch` with the `count` samples `sample(0)`, `sample(1)`, … of `rows`. */
  gather(batch: HostBatch, at: number, rows: HostBatch, count: number, sample: (i: number) => number): void;
}

const wholeRows: SamplesOfRows = { perRow: 1, empty: emptyRows, gather: gatherRows };

export interface WindowOptions {
  /** Rows that are in memory together; two such windows are held, unless one holds all. */
  readonly windowRows: number;
  readonly shuffle?: boolean;
  /** Times that each window is gone through, in an order of its own, before the next. An epoch is all of them. */
  readonly passes?: number;
  readonly samples?: SamplesOfRows;
}

// More blocks mix better, fewer make longer reads.
const BLOCKS_PER_WINDOW = 32;

/**
 * Data larger than memory, shuffled approximately: each epoch cuts the rows into blocks at another offset, permutes the
 * blocks (or a source's parts), and permutes samples among those of a window of 32 blocks. While a window is gone through
 * the next is filled, a block at a time, so that no read waits for a whole one. Data of one window is read once.
 * Throws MF_BATCH_SIZE on reading a batch larger than an epoch, and what the source throws.
 */
export function windowedDataset(
  source: RowSource,
  { windowRows, shuffle = true, passes = 1, samples = wholeRows }: WindowOptions,
): Dataset {
  checkBatchSize(windowRows, null);
  const blockRows = Math.max(1, Math.floor(windowRows / BLOCKS_PER_WINDOW));
  const windowSize = Math.min(source.rows, blockRows * Math.floor(windowRows / blockRows));
  const windows = Math.ceil(source.rows / windowSize);
  const rowsOf = (window: number): number => Math.min(windowSize, source.rows - window * windowSize);
  /** Samples of an epoch before a window. */
  const samplesBefore = (window: number): number => window * windowSize * samples.perRow * passes;
  const size = source.rows * samples.perRow * passes;
  const held = heldWindows(source, { windowSize, blockRows, isOnly: windows === 1, shuffle });

  /** Fills the next window to the share that has been gone through of the one that `position` is in. */
  async function readAhead({ epoch, position, seed }: Cursor): Promise<void> {
    if (windows === 1) return;
    const index = Math.floor(position / samplesBefore(1));
    const share = (position - samplesBefore(index)) / (rowsOf(index) * samples.perRow * passes);
    const next = index + 1 < windows ? { epoch, index: index + 1, seed } : { epoch: epoch + 1, index: 0, seed };
    await held(next, Math.floor(share * rowsOf(next.index)), rowsOf(next.index));
  }

  const read = inTurn(async (cursor: Cursor, batchSize: number): Promise<Read> => {
    const from = batchStart(cursor, batchSize, size);
    const { epoch, position, seed } = from;
    let batch: Record<string, HostBatch[string]> | undefined;
    for (let at = 0; at < batchSize; ) {
      const index = Math.floor((position + at) / samplesBefore(1));
      const once = rowsOf(index) * samples.perRow;
      const within = position + at - samplesBefore(index);
      const pass = Math.floor(within / once);
      const first = within - pass * once;
      const count = Math.min(batchSize - at, once - first);
      const rows = await held({ epoch, index, seed }, rowsOf(index), rowsOf(index));
      const order = permutation(once, seed, (epoch * windows + index) * passes + pass, "window");
      batch ??= samples.empty(rows, batchSize);
      samples.gather(batch, at, rows, count, shuffle ? (i) => order(first + i) : (i) => first + i);
      at += count;
    }
    await readAhead({ ...from, position: position + batchSize - 1 });
    return { batch: batch ?? {}, next: nextCursor(cursor, batchSize, size) };
  });

  return {
    size,
    async read(cursor, batchSize) {
      checkBatchSize(batchSize, size);
      return read(cursor, batchSize);
    },
    close: () => source.close?.(),
  };
}

interface WindowShape {
  readonly windowSize: number;
  readonly blockRows: number;
  /** One window holds all rows, whatever the epoch. */
  readonly isOnly: boolean;
  readonly shuffle: boolean;
}

/** Rows of one window, of which the first `filled` are there. The memory is used again for later windows. */
interface Slot {
  key: string;
  rows: HostBatch | undefined;
  filled: number;
}

/** Holds the two windows that were asked for last. Gives a window's rows, of which at least `due` of `count` are there then. */
function heldWindows(source: RowSource, { windowSize, blockRows, isOnly, shuffle }: WindowShape) {
  const slots: Slot[] = [];

  function slotOf(key: string): Slot {
    const known = slots.findIndex((slot) => slot.key === key);
    // The slot used longest ago comes first.
    const taken = slots.splice(Math.max(known, 0), known < 0 && slots.length < 2 ? 0 : 1);
    const slot = taken[0] ?? { key, rows: undefined, filled: 0 };
    if (slot.key !== key) Object.assign(slot, { key, filled: 0 });
    slots.push(slot);
    return slot;
  }

  function orderOf(epoch: number, seed: number): RowOrder {
    if (!shuffle || isOnly) return sourceOrder;
    return source.parts === undefined
      ? blockOrder(source.rows, blockRows, seed, epoch)
      : partOrder(source.parts, seed, epoch);
  }

  return async (
    { epoch, index, seed }: { readonly epoch: number; readonly index: number; readonly seed: number },
    due: number,
    count: number,
  ): Promise<HostBatch> => {
    const slot = slotOf(isOnly ? "all" : `${seed}/${epoch}/${index}`);
    const order = slot.filled < due ? orderOf(epoch, seed) : sourceOrder;
    while (slot.filled < due) {
      const run = order(index * windowSize + slot.filled, Math.min(blockRows, count - slot.filled));
      const rows = await source.read(run.start, run.count);
      rowCount(rows, run.count);
      slot.rows ??= emptyRows(rows, windowSize);
      gatherRows(slot.rows, slot.filled, rows, run.count, (i) => i);
      slot.filled += run.count;
    }
    return slot.rows ?? {};
  };
}
