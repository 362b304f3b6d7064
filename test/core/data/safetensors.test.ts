import { describe, expect, test } from "vitest";
import type { HostTensor } from "../../../core/data/host-tensor.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../core/data/safetensors.ts";
import { everyType } from "./arrays.ts";
import { countRefusedFlips, expectCutsRefused } from "./damage.ts";

const file = (header: unknown, data: Uint8Array): Uint8Array => {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
};
const entry = (begin: number, end: number, shape = [end - begin]) => ({
  dtype: "U8",
  shape,
  data_offsets: [begin, end],
});

describe("safetensors", () => {
  test("every element type and the metadata come back", () => {
    const bytes = encodeSafetensors(everyType, { by: "test" });
    expect(decodeSafetensors(bytes, "a")).toEqual({ tensors: everyType, metadata: { by: "test" } });
  });

  test("no tensors at all are a file too", () => {
    expect(decodeSafetensors(encodeSafetensors({}), "a")).toEqual({ tensors: {}, metadata: {} });
  });

  test("the order of the tensors does not change the file", () => {
    const reversed = Object.fromEntries(Object.entries(everyType).reverse());
    expect(encodeSafetensors(reversed)).toEqual(encodeSafetensors(everyType));
  });

  test("every tensor lies at a multiple of its element size", () => {
    const tensors: Record<string, HostTensor> = { a: everyType.bool, b: everyType.float64, c: everyType.int16 };
    const bytes = Buffer.from(encodeSafetensors(tensors));
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, start).toString());
    expect(start % 64).toBe(0);
    expect(header.b.data_offsets[0] % 8).toBe(0);
    expect(header.c.data_offsets[0] % 2).toBe(0);
  });

  test.each<[string, unknown, number, RegExp]>([
    ["overlap", { a: entry(0, 2), b: entry(1, 3) }, 3, /"b" starts at byte 1, but the one before it ends at 2/],
    ["a gap", { a: entry(0, 1), b: entry(2, 3) }, 3, /"b" starts at byte 2/],
    ["left-over bytes", { a: entry(0, 1) }, 3, /2 bytes of it belong to no tensor/],
    ["an end beyond the file", { a: entry(0, 9) }, 3, /ends at byte 9 of 3/],
    ["another shape", { a: entry(0, 3, [2, 2]) }, 3, /shape \[2,2\] \(uint8\) has 3 bytes/],
    ["an unknown type", { a: { ...entry(0, 3), dtype: "BF16" } }, 3, /BF16/],
    ["a negative size", { a: { ...entry(0, 3), shape: [-3] } }, 3, /does not describe the tensor "a"/],
    ["metadata that is no text", { __metadata__: { n: 1 } }, 0, /metadata/],
    ["a list for a header", [], 0, /not a JSON object/],
  ])("a header with %s is refused", (_, header, bytes, message) => {
    expect(() => decodeSafetensors(file(header, new Uint8Array(bytes)), "a.safetensors")).toThrow(message);
  });

  test("a file cut anywhere, or with a bit flipped, is refused or read; nothing else is thrown", () => {
    const bytes = encodeSafetensors(everyType);
    expectCutsRefused(bytes, "a.st", (b) => decodeSafetensors(b, "a.st"));
    expect(countRefusedFlips(bytes, 1500, (b) => decodeSafetensors(b, "a.st"))).toBeGreaterThan(300);
  });
});
