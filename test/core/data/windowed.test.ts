import { describe, expect, test } from "vitest";
import { firstCursor } from "../../../core/data/cursor.ts";
import type { Cursor, Dataset } from "../../../core/data/dataset.ts";
import type { HostBatch } from "../../../core/data/host-tensor.ts";
import { gatherRows } from "../../../core/data/rows.ts";
import { type RowSource, type SamplesOfRows, windowedDataset } from "../../../core/data/windowed.ts";

const int32 = (values: readonly number[], width = 1) =>
  ({ dtype: "int32", shape: [values.length / width, width], data: Int32Array.from(values) }) as const;

/** Rows (3i, 3i + 1, 3i + 2): row i holds the samples 3i, 3i + 1, 3i + 2. Says which rows were read. */
function threes(rows: number, parts?: readonly number[]): RowSource & { read: RowSource["read"]; asked: number[][] } {
  const asked: number[][] = [];
  return {
    rows,
    asked,
    ...(parts === undefined ? {} : { parts }),
    async read(start, count) {
      asked.push([start, count]);
      return {
        three: int32(
          Array.from({ length: count * 3 }, (_, i) => 3 * start + i),
          3,
        ),
      };
    },
  };
}

const singly: SamplesOfRows = {
  perRow: 3,
  empty: (_, count) => ({ sample: int32(new Array(count).fill(-1)) }),
  gather(batch, at, rows, count, sample) {
    const flat = rows["three"]!.data;
    gatherRows(
      batch,
      at,
      { sample: { dtype: "int32", shape: [flat.length, 1], data: flat as Int32Array } },
      count,
      sample,
    );
  },
};

const samplesOf = (batch: HostBatch): number[] => Array.from(batch["sample"]!.data);

async function take(dataset: Dataset, batchSize: number, batches: number, from: Cursor = firstCursor(3)) {
  const taken: { at: Cursor; samples: number[] }[] = [];
  for (let at = from; taken.length < batches; ) {
    const { batch, next } = await dataset.read(at, batchSize);
    taken.push({ at, samples: samplesOf(batch) });
    at = next;
  }
  return taken;
}

describe("rows of three samples, each window gone through four times", () => {
  const open = (): Dataset => windowedDataset(threes(50), { windowRows: 16, passes: 4, samples: singly });

  test("an epoch gives every sample four times, and each pass of a window all of it in another order", async () => {
    const dataset = open();
    expect(dataset.size).toBe(50 * 3 * 4);
    // 16 rows are 48 samples, four batches of twelve.
    const batches = await take(dataset, 12, 50);
    expect(batches.at(-1)!.at.epoch).toBe(0);
    const all = batches.flatMap(({ samples }) => samples);
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, i) => Math.floor(i / 4)));
    const passes = [0, 1, 2, 3].map((pass) => all.slice(48 * pass, 48 * (pass + 1)));
    const sets = passes.map((pass) => `${[...pass].sort((a, b) => a - b)}`);
    expect(new Set(sets).size).toBe(1);
    expect(new Set(passes.map((pass) => `${pass}`)).size).toBe(4);
    expect(sets[0]).not.toBe(`${all.slice(192, 240).sort((a, b) => a - b)}`);
  });

  test("goes on in the middle of a pass, and over the end of a pass, a window and an epoch, as if it had not stopped", async () => {
    const whole = await take(open(), 10, 150);
    for (const from of [1, 7, 19, 58, 59, 60, 133]) {
      expect(await take(open(), 10, 150 - from, whole[from]!.at)).toEqual(whole.slice(from));
    }
  });
});

test("data of one window is read once, whatever the epoch and the seed", async () => {
  const source = threes(20);
  const dataset = windowedDataset(source, { windowRows: 20, passes: 2, samples: singly });
  await take(dataset, 30, 12);
  await take(dataset, 30, 2, firstCursor(8));
  expect(source.asked.map(([start]) => start)).toEqual(Array.from({ length: 20 }, (_, row) => row));
});

test("the next window is filled while this one is gone through, in step with it", async () => {
  const source = threes(1000);
  const dataset = windowedDataset(source, { windowRows: 320, samples: singly, shuffle: false });
  const rowsRead = (): number => source.asked.reduce((sum, [, count]) => sum + count!, 0);
  let at = firstCursor(0);
  for (let batch = 1; batch <= 96; batch++) {
    at = (await dataset.read(at, 10)).next;
    // 10 of 960 samples a batch; whole blocks of ten rows.
    const due = Math.floor(((10 * batch - 1) / 960) * 320);
    expect(rowsRead() - 320).toBe(Math.ceil(due / 10) * 10);
  }
  source.asked.length = 0;
  await dataset.read(at, 10);
  expect(rowsRead()).toBeLessThanOrEqual(10);
});

describe("a source of parts, such as compressed files", () => {
  const parts = [7, 1, 12, 20, 5, 30, 25];

  test("is read from the front of each part to its back, in another order of parts every epoch", async () => {
    const source = threes(100, parts);
    const dataset = windowedDataset(source, { windowRows: 40, samples: singly });
    const starts = parts.map((_, i) => parts.slice(0, i).reduce((sum, rows) => sum + rows, 0));
    const orders: string[] = [];
    for (let epoch = 0; epoch < 4; epoch++) {
      const batches = await take(dataset, 10, 30, { epoch, position: 0, seed: 1 });
      expect(batches.flatMap(({ samples }) => samples).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 300 }, (_, i) => i),
      );
    }
    let expected: number | undefined;
    const order: number[] = [];
    for (const [start, count] of source.asked) {
      if (starts.includes(start!)) order.push(starts.indexOf(start!));
      else expect(start).toBe(expected);
      expected = start! + count!;
    }
    for (let epoch = 0; epoch < 4; epoch++) orders.push(`${order.slice(7 * epoch, 7 * epoch + 7)}`);
    for (const one of orders) expect(one.split(",").sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(new Set(orders).size).toBe(4);
  });
});

test("a source that fails while the next window is filled says so, and is asked again", async () => {
  const source = threes(100);
  let broken = false;
  const read: RowSource["read"] = (start, count) =>
    broken ? Promise.reject(new Error("unplugged")) : source.read(start, count);
  const dataset = windowedDataset({ rows: 100, read }, { windowRows: 32, samples: singly });
  const before = await take(windowedDataset(source, { windowRows: 32, samples: singly }), 12, 20);
  const first = await take(dataset, 12, 4);
  broken = true;
  await expect(take(dataset, 12, 4, before[4]!.at)).rejects.toThrow("unplugged");
  broken = false;
  expect([...first, ...(await take(dataset, 12, 16, before[4]!.at))]).toEqual(before);
});
