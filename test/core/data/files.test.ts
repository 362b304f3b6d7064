import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { float16Value, toFloat32 } from "../../../core/data/convert.ts";
import { checkFinite, checkShape, readArrays } from "../../../core/data/files.ts";
import { float32 } from "../../../core/data/host-tensor.ts";
import { encodeNpy } from "../../../core/data/npy.ts";
import { encodeNpz } from "../../../core/data/npz.ts";
import { encodeSafetensors } from "../../../core/data/safetensors.ts";
import { everyType } from "./arrays.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const stored = async (name: string, content: Uint8Array | string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

describe("reading arrays", () => {
  test("the ending of the name decides how a file is read", async () => {
    const q = everyType.float32;
    expect(await readArrays(await stored("q.npy", encodeNpy(q)))).toEqual({ q });
    expect(await readArrays(await stored("a.npz", encodeNpz({ q })))).toEqual({ q });
    expect(await readArrays(await stored("a.safetensors", encodeSafetensors({ q })))).toEqual({ q });
    const json = await readArrays(await stored("a.json", '{"q": [[1, 2], [3, 4], [5, 6]], "n": 7}'));
    expect(json["q"]).toEqual({ dtype: "float64", shape: [3, 2], data: Float64Array.of(1, 2, 3, 4, 5, 6) });
    expect(json["n"]).toEqual({ dtype: "float64", shape: [], data: Float64Array.of(7) });
  });

  test("another ending is refused with those that are read", async () => {
    await expect(readArrays("poses.csv")).rejects.toThrow(/".csv"; data is read from .npz, .npy, .safetensors, .json/);
  });

  test.each([
    ["[[1, 2], [3]]", /"bad" has a list of 1 where the first has 2 at \[1\]/],
    ["[1, null]", /has null where a number is due at \[1\]/],
    ["[[1], 2]", /has 2 where a list is due at \[1\]/],
    ["[1, ", /is not JSON/],
    ['"text"', /neither a list/],
  ])("the JSON %s is refused with the place", async (text, message) => {
    await expect(readArrays(await stored("bad.json", text))).rejects.toThrow(message);
  });
});

describe("checking arrays", () => {
  test("the first row that is not finite is named", () => {
    const data = new Float32Array(40);
    data[25] = Number.NaN;
    data[38] = Infinity;
    expect(() => checkFinite("a.npz", "pose", float32(data, [20, 2]))).toThrow(
      '"a.npz": array "pose" has NaN at row 12.',
    );
    expect(() => checkFinite("a", "h", everyType.float16)).toThrow(/has Infinity at row 1/);
    expect(() => checkFinite("a", "q", float32(new Float32Array(4), [4]))).not.toThrow();
    expect(() => checkFinite("a", "i", everyType.int64)).not.toThrow();
  });

  test("a shape is compared where it is given", () => {
    const q = float32(new Float32Array(12), [2, 6]);
    expect(() => checkShape("a.npz", "q", q, [null, 6])).not.toThrow();
    expect(() => checkShape("a.npz", "q", q, [null, 7])).toThrow('array "q" has shape [2, 6], not [*, 7].');
    expect(() => checkShape("a.npz", "q", q, [12])).toThrow(/has shape \[2, 6\], not \[12\]/);
  });
});

describe("float32", () => {
  test("half-precision bits become their values", () => {
    expect([0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0xfc00].map(float16Value)).toEqual([
      1,
      -2,
      0.333251953125,
      5.9604644775390625e-8,
      65504,
      -Infinity,
    ]);
    expect(float16Value(0x7e00)).toBeNaN();
    expect(Object.is(float16Value(0x8000), -0)).toBe(true);
  });

  test("every element type is converted and keeps its shape", () => {
    for (const tensor of Object.values(everyType)) {
      const converted = toFloat32(tensor);
      expect(converted.data).toBeInstanceOf(Float32Array);
      expect(converted.shape).toEqual(tensor.shape);
      expect(converted.data.length).toBe(tensor.data.length);
    }
    expect(toFloat32(everyType.int64).data[1]).toBe(2 ** 63);
    expect(toFloat32(everyType.float32)).toBe(everyType.float32);
  });
});
