import { describe, expect, test } from "vitest";
import { decodeNpy, encodeNpy } from "../../../core/data/npy.ts";
import { everyType } from "./arrays.ts";
import { countRefusedFlips, expectCutsRefused } from "./damage.ts";

const npy = (header: string, data: Uint8Array, version = 1): Uint8Array => {
  const text = Buffer.from(header, "utf8");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from([0x93]), Buffer.from("NUMPY"), Buffer.from([version, 0]), length, text, data]);
};
const header = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe("NPY", () => {
  test.each(Object.values(everyType))("$dtype comes back as it was written", (tensor) => {
    expect(decodeNpy(encodeNpy(tensor), "a.npy")).toEqual(tensor);
  });

  test("the elements start at a multiple of 64 bytes", () => {
    for (const tensor of Object.values(everyType)) {
      expect((encodeNpy(tensor).length - tensor.data.byteLength) % 64).toBe(0);
    }
  });

  test("versions 2 and 3, whose header length has four bytes, are read", () => {
    for (const version of [2, 3]) {
      expect(decodeNpy(npy(header("|u1", "(2,)"), Buffer.from([4, 5]), version), "a").data).toEqual(
        Uint8Array.of(4, 5),
      );
    }
  });

  test("big-endian 0x0102 is 258", () => {
    expect(decodeNpy(npy(header(">i2", "(1,)"), Buffer.from([1, 2])), "a").data).toEqual(Int16Array.of(258));
  });

  test("a column-major 2×3 array is read row by row", () => {
    const columns = Buffer.from([1, 4, 2, 5, 3, 6]);
    expect(decodeNpy(npy(header("|u1", "(2, 3)", "True"), columns), "a").data).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
  });

  test("an array whose memory starts anywhere in a larger one is written and read", () => {
    const whole = Float32Array.of(9, 1, 2, 9);
    const bytes = encodeNpy({ dtype: "float32", shape: [2], data: whole.subarray(1, 3) });
    const shifted = Buffer.concat([Buffer.from([0]), bytes]).subarray(1);
    expect(decodeNpy(shifted, "a").data).toEqual(Float32Array.of(1, 2));
  });

  test.each([
    ["|O", /object \(pickled/],
    ["<c8", /complex/],
    ["<U4", /text/],
    ["<M8[ns]", /element type is "<M8\[ns\]"/],
  ])("elements of type %s are refused by name", (descr, message) => {
    expect(() => decodeNpy(npy(header(descr, "(1,)"), Buffer.alloc(8)), "a.npy")).toThrow(message);
  });

  test("a structured array is refused with a way out", () => {
    const fields = "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    expect(() => decodeNpy(npy(fields, Buffer.alloc(8)), "a.npy")).toThrow(/structured array; save each field/);
  });

  test("a shape too large for any memory is refused without allocating it", () => {
    expect(() => decodeNpy(npy(header("<f8", "(99999999, 99999999)"), Buffer.alloc(8)), "a")).toThrow(/is not one/);
    expect(() => decodeNpy(npy(header("<f8", "(99999999, 9999)"), Buffer.alloc(8)), "a")).toThrow(/cut off/);
  });

  test("bytes after the array are refused rather than ignored", () => {
    expect(() => decodeNpy(npy(header("|u1", "(1,)"), Buffer.alloc(2)), "a")).toThrow(/something follows the array/);
  });

  test("a file cut anywhere, or with a bit flipped, is refused or read; nothing else is thrown", () => {
    const bytes = encodeNpy(everyType.float32);
    expectCutsRefused(bytes, "a.npy", (b) => decodeNpy(b, "a.npy"));
    expect(countRefusedFlips(bytes, 1000, (b) => decodeNpy(b, "a.npy"))).toBeGreaterThan(100);
  });
});
