import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { firstCursor } from "../../../../../core/data/cursor.ts";
import type { Cursor, Dataset, Read } from "../../../../../core/data/dataset.ts";
import type { HostBatch } from "../../../../../core/data/host-tensor.ts";
import {
  gaitDataset,
  heldOutMotions,
  openGait,
  trainingMotions,
} from "../../../../../plugins/tasks/gait/data/source.ts";
import { syntheticMotion } from "../../../../../plugins/tasks/gait/synthetic/motion.ts";
import { channelOf, folderOf, keptLog, motions, numbered, options, PARAMETERS, shareOf } from "./folders.ts";

const WIDTH = PARAMETERS.length;

const open: Dataset[] = [];
afterEach(async () => {
  for (const dataset of open.splice(0)) await dataset.close?.();
});

async function opened(folder: string | null, batchSize: number, chunk: { rows: number | null; passes: number }) {
  const dataset = await gaitDataset(await openGait(options(folder, { chunk }), keptLog()), batchSize);
  open.push(dataset);
  return dataset;
}

async function take(dataset: Dataset, batchSize: number, batches: number, from: Cursor = firstCursor(5)) {
  const reads: (Read & { at: Cursor })[] = [];
  for (let at = from; reads.length < batches; at = reads.at(-1)!.next) {
    reads.push({ at, ...(await dataset.read(at, batchSize)) });
  }
  return reads;
}

/** Batches by their bits: comparing millions of numbers one by one takes long. */
const bitsOf = (reads: readonly Read[]) =>
  reads.map(({ batch, next }) => ({
    next,
    arrays: Object.entries(batch).map(([name, { shape, data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return `${name} ${shape} ${createHash("sha256").update(bytes).digest("hex")}`;
    }),
  }));

/** Which motions and samples a batch holds, told by the first channels; checks that everything else belongs to them. */
function samplesOf({ parameters, phase, motion }: HostBatch): string[] {
  const count = phase!.shape[0]!;
  return Array.from({ length: count }, (_, i) => {
    const first = motion!.data[i * 101]!;
    const id = Math.floor(first);
    const sample = Math.round((first - id) * 64);
    const phi = (2 * Math.PI * sample) / 30;
    expect(phase!.data[2 * i]).toBeCloseTo(Math.sin(phi), 6);
    expect(phase!.data[2 * i + 1]).toBeCloseTo(Math.cos(phi), 6);
    for (const channel of [1, 57, 100]) {
      expect(motion!.data[i * 101 + channel]).toBe(Math.fround(channelOf(id, sample, channel)));
    }
    for (const j of [0, 12, 13, WIDTH - 1]) expect(parameters!.data[i * WIDTH + j]).toBeCloseTo(shareOf(id, j), 5);
    return `${id}/${sample}`;
  });
}

describe.each([false, true])("samples of files, compressed: %s", (compressed) => {
  test("an epoch gives each sample of the training files as often as there are passes, with its parameters and phase", async () => {
    const dataset = await opened(await numbered([5, 9, 1, 6, 3], compressed), 12, { rows: 480, passes: 2 });
    // The last of five files is held out: 21 motions of 60 samples, each gone through twice.
    expect(dataset.size).toBe(21 * 60 * 2);
    const reads = await take(dataset, 12, 210);
    expect(reads.at(-1)!.next).toEqual({ epoch: 1, position: 0, seed: 5 });
    expect(reads[0]!.batch).toMatchObject({
      parameters: { dtype: "float32", shape: [12, WIDTH] },
      phase: { dtype: "float32", shape: [12, 2] },
      motion: { dtype: "float32", shape: [12, 101] },
    });
    const times = new Map<string, number>();
    for (const { batch } of reads) for (const key of samplesOf(batch)) times.set(key, (times.get(key) ?? 0) + 1);
    expect(times.size).toBe(21 * 60);
    expect(new Set(times.values())).toEqual(new Set([2]));
    expect(Math.max(...[...times.keys()].map((key) => Number(key.split("/")[0])))).toBe(20);
  });

  test("goes on in the middle of a chunk, and of a pass over it, bit by bit", async () => {
    const folder = await numbered([5, 9, 1, 6, 3], compressed);
    const whole = await take(await opened(folder, 50, { rows: 300, passes: 3 }), 50, 100);
    for (const from of [8, 76]) {
      const again = await opened(folder, 50, { rows: 300, passes: 3 });
      const at = JSON.parse(JSON.stringify(whole[from]!.at)) as Cursor;
      expect(bitsOf(await take(again, 50, 100 - from, at))).toEqual(bitsOf(whole.slice(from)));
    }
  });
});

test("chunks hold motions from all files, and the order is of the seed's own", async () => {
  const folder = await numbered([40, 40, 40, 40, 2]);
  const dataset = await opened(folder, 60, { rows: 64 * 60, passes: 1 });
  const motionsOf = (reads: Read[]) =>
    reads.flatMap(({ batch }) => samplesOf(batch).map((key) => Number(key.split("/")[0])));
  const first = motionsOf(await take(dataset, 60, 64));
  // 64 of 160 motions, in 32 blocks of two from anywhere.
  expect(new Set(first).size).toBe(64);
  expect(new Set(first.map((id) => Math.floor(id / 40))).size).toBe(4);
  expect(motionsOf(await take(dataset, 60, 64, firstCursor(6)))).not.toEqual(first);
});

describe("files are held out", () => {
  test("the last ones, at least one, and training never sees them", async () => {
    const folder = await numbered([4, 4, 4, 4, 4]);
    const log = keptLog();
    for (const [share, training] of [
      [0.01, 16],
      [0.2, 16],
      [0.21, 12],
      [0.99, 4],
    ] as const) {
      const source = await openGait(options(folder, { validation: { files: share } }), log);
      const seen = await trainingMotions(source, 100);
      const held = await heldOutMotions(source, 100);
      expect([seen.count, held.count]).toEqual([training, 20 - training]);
      expect(held.motions[0]).toBe(training);
      expect(held.params[0]).toBeCloseTo(0.75 + 0.5 * shareOf(training, 0), 6);
      expect(seen.motions.length).toBe(training * 6060);
    }
  });

  test("fewer motions of them are spread evenly", async () => {
    const source = await openGait(
      options(await numbered([3, 3, 1, 10], true), { validation: { files: 0.5 } }),
      keptLog(),
    );
    const { count, motions: channels } = await heldOutMotions(source, 4);
    expect(count).toBe(4);
    expect([0, 1, 2, 3].map((i) => channels[i * 6060])).toEqual([6, 8, 11, 14]);
  });
});

describe("motions made on demand", () => {
  test("are endless batches that a cursor decides, of the generator's motions at their phases", async () => {
    const dataset = await opened(null, 20, { rows: null, passes: 1 });
    expect(dataset.size).toBeNull();
    const reads = await take(dataset, 20, 6);
    const again = await opened(null, 20, { rows: null, passes: 1 });
    expect(bitsOf(await take(again, 20, 3, reads[3]!.at))).toEqual(bitsOf(reads.slice(3)));
    const { parameters, phase, motion } = reads[1]!.batch;
    for (const i of [0, 7, 8, 19]) {
      const shares = parameters!.data.subarray(i * WIDTH, (i + 1) * WIDTH);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(-1e-6);
      expect(Math.max(...shares)).toBeLessThanOrEqual(1 + 1e-6);
      const raw = Float32Array.from(
        shares,
        (share, j) => PARAMETERS[j]!.min + share * (PARAMETERS[j]!.max - PARAMETERS[j]!.min),
      );
      const turn = Math.atan2(phase!.data[2 * i]!, phase!.data[2 * i + 1]!) / (2 * Math.PI);
      const sample = Math.round(((turn + 1) % 1) * 30) % 30;
      const whole = syntheticMotion(raw);
      for (let c = 0; c < 101; c++) expect(motion!.data[i * 101 + c]).toBeCloseTo(whole[sample * 101 + c]!, 4);
    }
  });

  test("held-out ones are others than those of training, and the same each time", async () => {
    const source = await openGait(options(null), keptLog());
    expect(source).toMatchObject({ synthetic: true, files: null });
    const held = await heldOutMotions(source, 3);
    const again = await heldOutMotions(source, 3);
    expect([...again.motions, ...again.params]).toEqual([...held.motions, ...held.params]);
    expect(held.params).not.toEqual((await trainingMotions(source, 3)).params);
    expect(held.motions.subarray(6060, 12_120)).toEqual(syntheticMotion(held.params, WIDTH));
  });
});

test("a file that is marked makes the data synthetic", async () => {
  const marked = { ...motions(2), synthetic: { dtype: "int32", shape: [1], data: Int32Array.of(1) } as const };
  const files = { "a.npz": motions(2), "synthetic-0.npz": marked };
  expect((await openGait(options(await folderOf(files)), keptLog())).synthetic).toBe(true);
  expect((await openGait(options(await numbered([2, 2])), keptLog())).synthetic).toBe(false);
});

test("float64 and float16 files are read as float32", async () => {
  const { params } = motions(2);
  const half = { dtype: "float16", shape: [2, 6060], data: new Uint16Array(2 * 6060).fill(0x3c00) } as const;
  const wide = { dtype: "float64", shape: [2, WIDTH], data: Float64Array.from(params!.data as Float32Array) } as const;
  const folder = await folderOf({ "a.npz": { motions: half, params: wide }, "b.npz": motions(2) });
  const { batch } = await (await opened(folder, 8, { rows: null, passes: 1 })).read(firstCursor(0), 8);
  expect(new Set(batch["motion"]!.data)).toEqual(new Set([1]));
  expect(batch["parameters"]!.data[0]).toBeLessThanOrEqual(1);
});

test("a limit that holds no two chunks says how much is needed", async () => {
  const source = await openGait(
    options(await numbered([50, 50, 2]), { memoryMb: 194, chunk: { rows: 3000, passes: 1 } }),
    keptLog(),
  );
  expect(() => gaitDataset(source, 64)).toThrow(
    /limit of 194 MiB .* two chunks of 3000 samples and batches of 64. Give at least 19[5-9]/,
  );
});
