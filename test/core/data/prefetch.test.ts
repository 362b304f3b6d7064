import { afterEach, describe, expect, test } from "vitest";
import { firstCursor } from "../../../core/data/cursor.ts";
import type { Cursor, Dataset, Read } from "../../../core/data/dataset.ts";
import { prefetched } from "../../../core/data/prefetch.ts";
import type { Json } from "../../../core/json.ts";
import { countedDataset, normalDataset } from "./sources.ts";

const open: Dataset[] = [];
afterEach(async () => {
  for (const dataset of open.splice(0)) await dataset.close?.();
});

async function inWorkers(name: string, options: Json, workers = 1, depth = 3): Promise<Dataset> {
  const module = new URL("./sources.ts", import.meta.url).href;
  const dataset = await prefetched({ module, export: name, options }, { workers, depth });
  open.push(dataset);
  return dataset;
}

async function take(dataset: Dataset, count: number, from: Cursor = firstCursor(5)): Promise<Read[]> {
  const reads: Read[] = [];
  for (let at = from; reads.length < count; at = reads.at(-1)!.next) reads.push(await dataset.read(at, 10));
  return reads;
}

describe("a dataset read ahead in worker threads", () => {
  test.each([1, 2])("gives the batches of the plain one, over epochs and jumps, with %s workers", async (workers) => {
    const plain = countedDataset({ rows: 57 });
    const ahead = await inWorkers("countedDataset", { rows: 57 }, workers);
    expect(ahead.size).toBe(57);
    expect(await take(ahead, 12)).toEqual(await take(plain, 12));
    const elsewhere = { epoch: 40, position: 20, seed: 5 };
    expect(await take(ahead, 3, elsewhere)).toEqual(await take(plain, 3, elsewhere));
  });

  test("gives endless samples too, from a factory that is asynchronous", async () => {
    const ahead = await inWorkers("normalDataset", null);
    expect(ahead.size).toBeNull();
    expect(await take(ahead, 6)).toEqual(await take(await normalDataset(), 6));
  });

  test("asks one thread for batches in their order", async () => {
    const ahead = await inWorkers("readsBefore", null, 1, 12);
    const reads = (await take(ahead, 60)).map(({ batch }) => batch["reads"]!.data[0]);
    expect(reads).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  test("copies arrays that share memory instead of taking the memory away", async () => {
    const ahead = await inWorkers("sharedMemory", null);
    const [first, second] = await take(ahead, 2);
    expect(Array.from(second!.batch["b"]!.data)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(first!.batch["a"]!.data.buffer.byteLength).toBe(40);
    expect(first!.batch["kept"]!.data[9]).toBe(1);
  });

  test("rejects the read, and only the read, that failed, with the cause", async () => {
    const ahead = await inWorkers("failing", { at: 30, how: "plain" });
    const reads = await take(ahead, 3);
    const error = await Promise.resolve(ahead.read(reads[2]!.next, 10)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "MF_DATA_WORKER", cause: { message: "the simulator diverged" } });
    expect((error as Error).message).toMatch(/sources\.ts"\) failed: the simulator diverged/);
    expect((await take(ahead, 1))[0]).toEqual(reads[0]);
  });

  test("keeps the code, the fault and the message of our own errors", async () => {
    const ahead = await inWorkers("failing", { at: 0, how: "known" });
    await expect(ahead.read(firstCursor(0), 10)).rejects.toMatchObject({
      code: "MF_FILE_MISSING",
      fault: "user",
      detail: { path: "q.npz" },
      message: 'Data file "q.npz" does not exist. [MF_FILE_MISSING]',
    });
  });

  test("survives a thread that dies", async () => {
    const ahead = await inWorkers("failing", { at: 100, how: "exit" }, 1, 0);
    await expect(ahead.read({ epoch: 0, position: 100, seed: 0 }, 10)).rejects.toMatchObject({
      code: "MF_DATA_WORKER",
    });
    expect((await take(ahead, 1))[0]!.batch["x"]!.shape).toEqual([10]);
  });

  test("says at once when the factory fails or is not there", async () => {
    await expect(inWorkers("notOpening", null)).rejects.toThrow(/no such robot/);
    await expect(inWorkers("missing", null)).rejects.toThrow(/exports no function "missing"/);
  });

  test("refuses a batch larger than the data before asking a thread", async () => {
    const ahead = await inWorkers("countedDataset", { rows: 5 });
    await expect(async () => ahead.read(firstCursor(0), 6)).rejects.toMatchObject({ code: "MF_BATCH_SIZE" });
  });
});
