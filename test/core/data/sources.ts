import type { Dataset } from "../../../core/data/dataset.ts";
import { arrayDataset, generatedDataset } from "../../../core/data/datasets.ts";
import { float32, type HostBatch } from "../../../core/data/host-tensor.ts";
import { errors } from "../../../core/errors.ts";

/** `rows` rows in two arrays; row i of "id" is i, row i of "pair" is (i, −i). */
export const counted = (rows: number): HostBatch => ({
  id: { dtype: "int32", shape: [rows], data: Int32Array.from({ length: rows }, (_, i) => i) },
  pair: float32(
    Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2)),
    [rows, 2],
  ),
});

/** Factories that the prefetch test opens in worker threads. */
export const countedDataset = ({ rows }: { rows: number }): Dataset => arrayDataset(counted(rows));

export const normalDataset = async (): Promise<Dataset> =>
  generatedDataset((random, count) => ({ x: float32(random.normals(count * 3), [count, 3]) }));

/** Both arrays are parts of one piece of memory, and "kept" is handed out again and again. */
export const sharedMemory = (): Dataset => {
  const kept = new Float32Array(16);
  return generatedDataset((_, count) => {
    kept.fill(kept[0]! + 1);
    const both = new Float32Array(2 * count).map((_, i) => i);
    return {
      a: float32(both.subarray(0, count), [count]),
      b: float32(both.subarray(count), [count]),
      kept: float32(kept.subarray(0, count), [count]),
    };
  });
};

export const failing = ({ at, how }: { at: number; how: "plain" | "known" | "exit" }): Dataset =>
  generatedDataset((_, count, index) => {
    if (index >= at && how === "plain") throw new RangeError("the simulator diverged");
    if (index >= at && how === "known") throw errors.MF_FILE_MISSING({ path: "q.npz", what: "Data file" });
    if (index >= at) process.exit(3);
    return { x: float32(new Float32Array(count), [count]) };
  });

/** No function of the cursor: says how many reads came before. */
export const readsBefore = (): Dataset => {
  let reads = 0;
  return generatedDataset((_, count) => ({ reads: float32(new Float32Array(count).fill(reads++), [count]) }));
};

export const notOpening = (): Dataset => {
  throw new Error("no such robot");
};
