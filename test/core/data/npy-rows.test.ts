import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { firstCursor } from "../../../core/data/cursor.ts";
import { arrayDataset } from "../../../core/data/datasets.ts";
import type { HostTensor } from "../../../core/data/host-tensor.ts";
import { encodeNpy } from "../../../core/data/npy.ts";
import { npyRows } from "../../../core/data/npy-rows.ts";
import { windowedDataset } from "../../../core/data/windowed.ts";
import { everyType } from "./arrays.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-rows-"));
});
afterAll(() => rm(folder, { recursive: true }));

const ramp = (rows: number, width: number, start = 0): HostTensor<"float32"> => ({
  dtype: "float32",
  shape: [rows, width],
  data: Float32Array.from({ length: rows * width }, (_, i) => start + i),
});

async function stored(place: string, files: Record<string, HostTensor | Uint8Array>): Promise<string> {
  const path = join(folder, place);
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(path, name), content instanceof Uint8Array ? content : encodeNpy(content));
  }
  return path;
}

test("rows of a file are read under the file's name", async () => {
  const source = await npyRows(join(await stored("one", { "q.npy": ramp(5, 2) }), "q.npy"));
  expect(source.rows).toBe(5);
  expect(await source.read(1, 2)).toEqual({
    q: { dtype: "float32", shape: [2, 2], data: Float32Array.of(2, 3, 4, 5) },
  });
  await source.close?.();
});

test("a folder gives every file as an array, numbered files one after another", async () => {
  const path = await stored("parts", {
    "q-10.npy": ramp(2, 1, 3),
    "q-9.npy": ramp(3, 1),
    "label.npy": { dtype: "int32", shape: [5], data: Int32Array.of(9, 8, 7, 6, 5) },
    "half.npy": { dtype: "float16", shape: [5], data: Uint16Array.of(0, 0x3c00, 0x4000, 0x4200, 0x4400) },
  });
  const source = await npyRows(path);
  const { q, label, half } = await source.read(1, 4);
  expect(q!.data).toEqual(Float32Array.of(1, 2, 3, 4));
  expect(label!.data).toEqual(Int32Array.of(8, 7, 6, 5));
  expect(half!.data).toEqual(Float32Array.of(1, 2, 3, 4));
  await source.close?.();
});

test("a windowed epoch of files holds every row of the arrays, whole", async () => {
  const source = await npyRows(await stored("epoch", { "q-0.npy": ramp(60, 3), "q-1.npy": ramp(40, 3, 180) }));
  const windowed = windowedDataset(source, { windowRows: 32 });
  const whole = arrayDataset({ q: ramp(100, 3) });
  const rowsOf = (data: ArrayLike<number>) =>
    Array.from({ length: 100 }, (_, i) => [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!]).sort(
      (a, b) => a[0]! - b[0]!,
    );
  const { batch } = await windowed.read(firstCursor(0), 100);
  const all = await whole.read(firstCursor(0), 100);
  expect(rowsOf(batch["q"]!.data)).toEqual(rowsOf(all.batch["q"]!.data));
  await windowed.close?.();
});

test.each<[string, Record<string, HostTensor | Uint8Array>, RegExp]>([
  ["files of unequal length", { "a.npy": ramp(3, 1), "b.npy": ramp(4, 1) }, /"b" has 4 rows where "a" has 3/],
  ["parts of unequal width", { "a-0.npy": ramp(3, 1), "a-1.npy": ramp(3, 2) }, /a-1.npy" is not usable: its rows are/],
  [
    "a file that is cut off",
    { "a.npy": encodeNpy(ramp(3, 1)).slice(0, -1) },
    /promises 140 bytes and the file has 139/,
  ],
  ["a header that is cut off", { "a.npy": encodeNpy(ramp(3, 1)).slice(0, 40) }, /header is cut off/],
  ["a single number", { "a.npy": everyType.uint32 }, /single number, not rows/],
  ["no NPY file", {}, /holds no .npy file/],
])("%s are refused by name", async (name, files, message) => {
  await expect(npyRows(await stored(name, files))).rejects.toThrow(message);
});

test("a column-major file is refused with what to do", async () => {
  const bytes = Buffer.from(encodeNpy(ramp(3, 2)).slice());
  bytes.write("True, ", bytes.indexOf("False,"), "latin1");
  await expect(npyRows(await stored("columns", { "a.npy": bytes }))).rejects.toThrow(/numpy.ascontiguousarray/);
});

test("a row that is not finite is named when it is read", async () => {
  const q = ramp(50, 2);
  q.data[41] = Number.NaN;
  const source = await npyRows(await stored("nan", { "q.npy": q }));
  expect((await source.read(0, 20))["q"]!.shape).toEqual([20, 2]);
  await expect(source.read(15, 20)).rejects.toThrow(/array "q" has NaN at row 20/);
  await source.close?.();
});

test("a path that is not there is named", async () => {
  await expect(npyRows(join(folder, "none"))).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
});
