import { describe, expect, test } from "vitest";
import { firstCursor, nextCursor } from "../../../core/data/cursor.ts";
import type { Cursor, Dataset, Read } from "../../../core/data/dataset.ts";
import { arrayDataset, generatedDataset } from "../../../core/data/datasets.ts";
import { float32, type HostBatch } from "../../../core/data/host-tensor.ts";
import { type RowSource, windowedDataset } from "../../../core/data/windowed.ts";
import { counted } from "./sources.ts";

const ids = (batch: HostBatch): number[] => Array.from(batch["id"]!.data);

/** Rows cut out of arrays in memory; counts what is read. */
function sliceRows(rows: number): RowSource & { reads: number; largest: number } {
  const all = counted(rows);
  const source = {
    rows,
    reads: 0,
    largest: 0,
    async read(start: number, count: number): Promise<HostBatch> {
      source.reads++;
      source.largest = Math.max(source.largest, count);
      return {
        id: { dtype: "int32", shape: [count], data: all["id"]!.data.slice(start, start + count) as Int32Array },
        pair: float32(all["pair"]!.data.slice(2 * start, 2 * (start + count)) as Float32Array, [count, 2]),
      };
    },
  };
  return source;
}

async function readInTurn(dataset: Dataset, batchSize: number, batches: number, from = firstCursor(7)) {
  const reads: (Read & { at: Cursor })[] = [];
  let at = from;
  for (let i = 0; i < batches; i++) {
    const read = await dataset.read(at, batchSize);
    reads.push({ ...read, at });
    at = read.next;
  }
  return reads;
}

const endless = generatedDataset((random, count, index) => ({
  x: float32(random.normals(count), [count]),
  id: { dtype: "int32", shape: [count], data: Int32Array.from({ length: count }, (_, i) => index + i) },
}));

describe.each<[string, () => Dataset]>([
  ["arrays", () => arrayDataset(counted(103))],
  ["arrays in order", () => arrayDataset(counted(103), { shuffle: false })],
  ["windows", () => windowedDataset(sliceRows(103), { windowRows: 40 })],
  ["windows of less than a batch", () => windowedDataset(sliceRows(103), { windowRows: 3 })],
  ["windows in order", () => windowedDataset(sliceRows(103), { windowRows: 40, shuffle: false })],
  ["generated samples", () => endless],
])("a dataset of %s", (_, make) => {
  test("gives at a cursor what it gave there in turn, in any order, also to another copy", async () => {
    const reads = await readInTurn(make(), 10, 35);
    const other = make();
    for (const { at, batch, next } of [...reads].reverse()) expect(await other.read(at, 10)).toEqual({ batch, next });
  });

  test("continues from a cursor that went through JSON as if it had not stopped", async () => {
    const whole = await readInTurn(make(), 10, 25);
    const saved = JSON.parse(JSON.stringify(whole[12]!.at)) as Cursor;
    expect(await readInTurn(make(), 10, 13, saved)).toEqual(whole.slice(12));
  });

  test("tells the next cursor before reading", async () => {
    const dataset = make();
    for (const { at, next } of await readInTurn(dataset, 10, 25)) {
      expect(next).toEqual(nextCursor(at, 10, dataset.size));
    }
  });

  test("gives full batches whose arrays belong together", async () => {
    for (const { batch } of await readInTurn(make(), 10, 25)) {
      expect(batch["id"]!.shape).toEqual([10]);
      const pair = batch["pair"];
      if (pair !== undefined) expect(Array.from(pair.data)).toEqual(ids(batch).flatMap((id) => [id, -id]));
    }
  });

  test("gives batches that are nobody else's memory", async () => {
    const dataset = make();
    const first = await dataset.read(firstCursor(1), 5);
    const before = ids(first.batch);
    first.batch["id"]!.data.fill(-1);
    expect(ids((await dataset.read(firstCursor(1), 5)).batch)).toEqual(before);
  });

  test.each([0, -1, 2.5, Number.NaN])("refuses a batch of %s samples", async (batchSize) => {
    const reading = async () => make().read(firstCursor(0), batchSize);
    await expect(reading()).rejects.toThrow(/Give a positive whole number/);
  });
});

describe.each<[string, () => Dataset]>([
  ["arrays", () => arrayDataset(counted(103))],
  ["windows", () => windowedDataset(sliceRows(103), { windowRows: 40 })],
])("an epoch of %s", (_, make) => {
  test("gives no sample twice and leaves out what does not fill a batch", async () => {
    const reads = await readInTurn(make(), 10, 20);
    expect(reads.slice(0, 10).every(({ at }) => at.epoch === 0)).toBe(true);
    expect(reads[10]!.at).toEqual({ epoch: 1, position: 0, seed: 7 });
    expect(new Set(reads.slice(0, 10).flatMap(({ batch }) => ids(batch))).size).toBe(100);
    expect(new Set(reads.slice(10).flatMap(({ batch }) => ids(batch))).size).toBe(100);
  });

  test("has an order of its own, and leaves out samples of its own", async () => {
    const reads = await readInTurn(make(), 10, 400);
    const left = new Set<number>();
    for (let epoch = 0; epoch < 40; epoch++) {
      const seen = new Set(reads.slice(10 * epoch, 10 * epoch + 10).flatMap(({ batch }) => ids(batch)));
      for (let id = 0; id < 103; id++) if (!seen.has(id)) left.add(id);
    }
    expect(ids(reads[0]!.batch)).not.toEqual(ids(reads[10]!.batch));
    // 40 epochs leave out 3 of 103 each: 1 − (100/103)⁴⁰ of the samples, 71, are expected to be left out once.
    expect(left.size).toBeGreaterThan(45);
  });

  test("that another batch size has begun is finished with this one", async () => {
    const read = await make().read({ epoch: 3, position: 95, seed: 7 }, 10);
    expect(read.next).toEqual({ epoch: 4, position: 10, seed: 7 });
  });

  test("refuses a batch larger than the data and says how many samples there are", async () => {
    await expect(async () => make().read(firstCursor(0), 104)).rejects.toThrow(
      /batch of 104 is larger than the data, which has 103 samples/,
    );
    expect((await make().read(firstCursor(0), 103)).next.epoch).toBe(1);
  });
});

test("without shuffling, samples come in the order of the file", async () => {
  const dataset = windowedDataset(sliceRows(23), { windowRows: 7, shuffle: false });
  const reads = await readInTurn(dataset, 5, 4);
  expect(reads.flatMap(({ batch }) => ids(batch))).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test("windows are read block by block, ahead of their use, and every row once an epoch", async () => {
  const source = sliceRows(10_000);
  const dataset = windowedDataset(source, { windowRows: 640 });
  // One window of 32 blocks holds 640 samples; one block may lie around the end of the file.
  await readInTurn(dataset, 20, 1);
  expect(source.reads).toBeLessThanOrEqual(33);
  await readInTurn(dataset, 20, 16);
  expect(source.reads).toBeLessThanOrEqual(33 + 16);
  source.reads = 0;
  const reads = await readInTurn(dataset, 100, 100);
  expect(source.largest).toBe(20);
  expect(source.reads).toBeLessThanOrEqual(501 + 32);
  const distance = reads.flatMap(({ batch }) => ids(batch)).map((id, i) => Math.abs(id - i));
  // For a random order the mean distance is a third of the length.
  expect(distance.reduce((a, b) => a + b) / 10_000).toBeGreaterThan(2800);
});

test("a source that failed is asked again", async () => {
  const source = sliceRows(50);
  let broken = true;
  const dataset = windowedDataset(
    { rows: 50, read: (start, count) => (broken ? Promise.reject(new Error("unplugged")) : source.read(start, count)) },
    { windowRows: 20 },
  );
  await expect(dataset.read(firstCursor(0), 10)).rejects.toThrow("unplugged");
  broken = false;
  expect((await dataset.read(firstCursor(0), 10)).batch["id"]!.shape).toEqual([10]);
});

test("two reads at once of different windows do not disturb each other", async () => {
  const dataset = windowedDataset(sliceRows(200), { windowRows: 20 });
  const cursors = [0, 90, 20, 150, 90].map((position) => ({ epoch: 0, position, seed: 1 }));
  const together = await Promise.all(cursors.map((cursor) => dataset.read(cursor, 15)));
  for (const [i, cursor] of cursors.entries()) expect(together[i]).toEqual(await dataset.read(cursor, 15));
});

test("arrays of unequal length are refused by name", () => {
  expect(() => arrayDataset({ ...counted(4), q: float32(new Float32Array(3), [3]) })).toThrow(
    /"q" of shape \[3\] where 4 rows were due/,
  );
});

test("a generator that returns another number of samples is refused", () => {
  const dataset = generatedDataset(() => counted(3));
  expect(() => dataset.read(firstCursor(0), 4)).toThrow(/"id" of shape \[3\] where 4 rows were due/);
});
