import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostTensor } from "../../../core/data/host-tensor.ts";
import { encodeNpy } from "../../../core/data/npy.ts";
import { encodeNpz } from "../../../core/data/npz.ts";
import { openNpz } from "../../../core/data/npz-head.ts";
import { checkSums, npzRows } from "../../../core/data/npz-rows.ts";
import { everyType } from "./arrays.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-npz-rows-"));
});
afterAll(() => rm(folder, { recursive: true }));

const ramp = (rows: number, width: number, start = 0): HostTensor<"float32"> => ({
  dtype: "float32",
  shape: [rows, width],
  data: Float32Array.from({ length: rows * width }, (_, i) => start + i),
});

const ids = (rows: number, start: number): HostTensor<"int32"> => ({
  dtype: "int32",
  shape: [rows],
  data: Int32Array.from({ length: rows }, (_, i) => start + i),
});

async function stored(name: string, bytes: Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}

const shapes = { q: [3], id: [] } as const;

/** Files of `rows[i]` rows each; row r of all has id r and q = (3r, 3r + 1, 3r + 2). */
async function opened(name: string, rows: readonly number[], compressed: boolean) {
  const files = [];
  let start = 0;
  for (const [i, count] of rows.entries()) {
    const bytes = encodeNpz({ q: ramp(count, 3, 3 * start), id: ids(count, start) }, { compressed });
    files.push(await openNpz(await stored(`${name}-${i}.npz`, bytes), shapes));
    start += count;
  }
  return files;
}

describe.each([false, true])("rows of NPZ files, compressed: %s", (compressed) => {
  test("are read from anywhere, over the ends of files, forwards and backwards", async () => {
    const source = npzRows(await opened(`any-${compressed}`, [5, 0, 1, 30], compressed));
    expect(source.rows).toBe(36);
    expect(source.parts).toEqual(compressed ? [5, 0, 1, 30] : undefined);
    for (const [start, count] of [
      [0, 2],
      [2, 1],
      [4, 3],
      [20, 16],
      [1, 35],
      [0, 36],
      [35, 1],
      [6, 2],
    ] as const) {
      const { q, id } = await source.read(start, count);
      expect(Array.from(id!.data)).toEqual(Array.from({ length: count }, (_, i) => start + i));
      expect(q!.shape).toEqual([count, 3]);
      expect(Array.from(q!.data)).toEqual(Array.from({ length: 3 * count }, (_, i) => 3 * start + i));
    }
    await source.close?.();
  });

  test("asked for at once come as if asked for one after another", async () => {
    const source = npzRows(await opened(`once-${compressed}`, [20, 20], compressed));
    const starts = [3, 30, 18, 0];
    const all = await Promise.all(starts.map((start) => source.read(start, 4)));
    expect(all.map(({ id }) => id!.data[0])).toEqual(starts);
    await source.close?.();
  });

  test("that are not finite are named by file, array and row of the file", async () => {
    const q = ramp(40, 3);
    q.data[3 * 25 + 1] = Number.NaN;
    const path = await stored(`nan-${compressed}.npz`, encodeNpz({ q, id: ids(40, 0) }, { compressed }));
    const source = npzRows([...(await opened(`fine-${compressed}`, [10], compressed)), await openNpz(path, shapes)]);
    expect((await source.read(10, 25))["q"]!.shape).toEqual([25, 3]);
    await expect(source.read(30, 10)).rejects.toThrow(`"${path}": array "q" has NaN at row 25.`);
    await source.close?.();
  });

  test("a file cut anywhere is refused by name when it is opened", async () => {
    const bytes = encodeNpz({ q: ramp(60, 3), id: ids(60, 0) }, { compressed });
    for (let length = 0; length < bytes.length; length += 7) {
      const path = await stored(`cut-${compressed}.npz`, bytes.subarray(0, length));
      await expect(openNpz(path, shapes)).rejects.toThrow(`"${path}`);
    }
  });

  test("a flipped bit is found by the checksums", async () => {
    const bytes = encodeNpz({ q: ramp(60, 3), id: ids(60, 0) }, { compressed });
    const [file] = await opened(`whole-${compressed}`, [60], compressed);
    await checkSums(file!);
    const { start, header } = file!.entries["q"]!;
    const damaged = Buffer.from(bytes);
    damaged[start + header.offset + 77]! ^= 4;
    const path = await stored(`flipped-${compressed}.npz`, damaged);
    const opening = openNpz(path, shapes).then(checkSums);
    await expect(opening).rejects.toThrow(/"q.npy" is damaged/);
  });
});

test("every element type but int32 becomes float32", async () => {
  const { float16, float64, int64, bool, uint64 } = everyType;
  const path = await stored("types.npz", encodeNpz({ float16, float64, int64, bool, uint64 }));
  const shapesOf = { float16: [3], float64: [], int64: [], bool: [], uint64: [4] };
  for (const [name, shape] of Object.entries(shapesOf)) {
    const source = npzRows([await openNpz(path, { [name]: shape })], (rows) => rows);
    const { [name]: array } = await source.read(0, source.rows);
    if (source.rows === 0) expect(array).toBeUndefined();
    else expect(array).toMatchObject({ dtype: "float32" });
  }
  const [one, minusOne] = (await npzRows([await openNpz(path, { bool: [] })]).read(0, 3))["bool"]!.data;
  expect([one, minusOne]).toEqual([1, 0]);
});

test("the heads of an array larger than a zip's tail are read without the array", async () => {
  const path = await stored("large.npz", encodeNpz({ q: ramp(100_000, 3), id: ids(100_000, 0) }));
  const source = npzRows([await openNpz(path, shapes)]);
  expect((await source.read(99_999, 1))["q"]!.data).toEqual(Float32Array.of(299_997, 299_998, 299_999));
});

const columnMajor = (): Uint8Array => {
  const bytes = Buffer.from(encodeNpy(ramp(4, 3)).slice());
  bytes.write("True, ", bytes.indexOf("False,"), "latin1");
  return bytes;
};

test.each<[string, Uint8Array, RegExp]>([
  ["a file that is no archive", Buffer.from("not a zip at all, whatever its name says"), /not a complete zip archive/],
  ["an empty file", new Uint8Array(0), /not a complete zip archive/],
  ["a missing array", encodeNpz({ q: ramp(4, 3) }), /array "id" is missing \(the file holds q\)/],
  ["another width", encodeNpz({ q: ramp(4, 2), id: ids(4, 0) }), /array "q" has shape \[4, 2\], not \[\*, 3\]/],
  ["unequal lengths", encodeNpz({ q: ramp(4, 3), id: ids(5, 0) }), /array "id" has 5 rows where "q" has 4/],
  [
    "a column-major array",
    zipSync({ "q.npy": columnMajor(), "id.npy": encodeNpy(ids(4, 0)) }, { level: 0 }),
    /"q.npy" is column-major.*numpy.ascontiguousarray/,
  ],
  [
    "an array shorter than its head says",
    zipSync({ "q.npy": encodeNpy(ramp(4, 3)).slice(0, -4), "id.npy": encodeNpy(ids(4, 0)) }, { level: 0 }),
    /"q.npy" promises 176 bytes and holds 172/,
  ],
])("%s is refused by name", async (name, bytes, message) => {
  const path = await stored(`${name}.npz`, bytes);
  const opening = openNpz(path, shapes);
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.toMatchObject({ fault: "user", message: expect.stringContaining(path) });
});

test("a file that is not there, or a folder, is named", async () => {
  await expect(openNpz(join(folder, "none.npz"), shapes)).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
  await expect(openNpz(folder, shapes)).rejects.toMatchObject({ code: "MF_FILE_UNREADABLE" });
});

test("files whose rows differ in shape are refused", async () => {
  const [a] = await opened("alike", [3], false);
  const path = await stored("other.npz", encodeNpz({ q: { ...ids(9, 0), shape: [3, 3] }, id: ids(3, 0) }));
  const b = await openNpz(path, shapes);
  expect(() => npzRows([a!, b])).toThrow(
    /other.npz": array "q" has rows of int32 \[3\], and ".*alike-0.npz" of float32/,
  );
});

test("a file that becomes shorter while it is read says so", async () => {
  const [file] = await opened("shrinks", [50], false);
  const source = npzRows([file!]);
  await truncate(file!.path, 100);
  await expect(source.read(10, 30)).rejects.toThrow(/"q.npy" ended while it was read/);
});
