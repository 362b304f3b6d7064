import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeNpy } from "../../../core/data/npy.ts";
import { decodeNpz, encodeNpz, readNpz, writeNpz } from "../../../core/data/npz.ts";
import { everyType } from "./arrays.ts";
import { countRefusedFlips, expectCutsRefused } from "./damage.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-npz-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("NPZ", () => {
  test.each([false, true])("every element type comes back, compressed: %s", (compressed) => {
    expect(decodeNpz(encodeNpz(everyType, { compressed }), "a.npz")).toEqual(everyType);
  });

  test("the same arrays give the same bytes", () => {
    expect(encodeNpz(everyType)).toEqual(encodeNpz(everyType));
  });

  test("zeros become smaller when compressed", () => {
    const arrays = { a: { dtype: "float32", shape: [10000], data: new Float32Array(10000) } } as const;
    expect(encodeNpz(arrays, { compressed: true }).length).toBeLessThan(encodeNpz(arrays).length / 100);
  });

  test("a file is replaced whole and nothing is left beside it", async () => {
    const path = join(folder, "new", "a.npz");
    await writeNpz(path, { a: everyType.int8 });
    await writeNpz(path, { b: everyType.int16 });
    expect(await readNpz(path)).toEqual({ b: everyType.int16 });
    expect(await readdir(join(folder, "new"))).toEqual(["a.npz"]);
  });

  test("a file that is not there is named", async () => {
    await expect(readNpz(join(folder, "none.npz"))).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
    await expect(readNpz(folder)).rejects.toThrow(/cannot be read: it is a folder/);
  });

  test("writing where a file stands in the folder's place says so", async () => {
    await writeNpz(join(folder, "x.npz"), {});
    await expect(writeNpz(join(folder, "x.npz", "y.npz"), {})).rejects.toMatchObject({ code: "MF_FILE_UNWRITABLE" });
  });

  test.each([false, true])("a file cut anywhere is refused by name, compressed: %s", (compressed) => {
    expectCutsRefused(encodeNpz(everyType, { compressed }), "a.npz", (b) => decodeNpz(b, "a.npz"));
  });

  test.each([false, true])("a flipped bit of an array is always noticed, compressed: %s", (compressed) => {
    const array = {
      dtype: "float32",
      shape: [500],
      data: Float32Array.from({ length: 500 }, (_, i) => Math.sin(i)),
    } as const;
    const bytes = encodeNpz({ array }, { compressed });
    const middle = bytes.subarray(300, bytes.length - 200);
    const around = (part: Uint8Array) =>
      Buffer.concat([bytes.subarray(0, 300), part, bytes.subarray(bytes.length - 200)]);
    expect(countRefusedFlips(middle, 300, (part) => decodeNpz(around(part), "a.npz"))).toBe(300);
    countRefusedFlips(bytes, 1500, (b) => decodeNpz(b, "a.npz"));
  });

  test("members that are no arrays are left out", () => {
    const zip = zipSync({
      "a.npy": encodeNpy(everyType.bool),
      "notes.txt": Buffer.from("hello"),
      "d/": new Uint8Array(),
    });
    expect(decodeNpz(zip, "a.npz")).toEqual({ a: everyType.bool });
  });

  test("an array that claims to inflate to more than it says is refused", () => {
    const zip = encodeNpz(
      { a: { dtype: "uint8", shape: [100000], data: new Uint8Array(100000) } },
      { compressed: true },
    );
    const directory = Buffer.from(zip).indexOf("PK\x01\x02", 0, "latin1");
    const lying = Buffer.from(zip);
    lying.writeUInt32LE(500, directory + 24);
    expect(() => decodeNpz(lying, "a.npz")).toThrow(/"a.npy" is damaged: it cannot be inflated/);
  });
});
