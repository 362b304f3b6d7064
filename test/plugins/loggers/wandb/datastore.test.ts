import { expect, test } from "vitest";
import { FILE_HEADER, frame, unframe } from "../../../../plugins/loggers/wandb/datastore.ts";
import { readPayloads } from "../../../support/wandb-file.ts";

const payload = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 255);
const fileOf = (payloads: readonly Uint8Array[]): Buffer =>
  Buffer.concat([FILE_HEADER, frame(payloads, FILE_HEADER.length)]);
const unframed = (file: Buffer): Uint8Array[] =>
  Array.from(unframe(file.subarray(FILE_HEADER.length), FILE_HEADER.length), (framed) => framed.payload);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a file of one payload, byte for byte", () => {
  // CRC-32 of the type 1 and "abc", by Python's zlib.crc32(b"\x01abc").
  expect(hex(fileOf([Buffer.from("abc")]))).toBe(`${hex(Buffer.from(":W&B"))}e1be00a9209d53030001616263`);
});

// Blocks of 32768 bytes count the header of 7; a chunk has one of 7.
test.each([
  ["that ends 8 bytes before a block's end", 32_768 - 7 - 7 - 8],
  ["that leaves room for an empty chunk", 32_768 - 7 - 7 - 7],
  ["that leaves too little for a chunk", 32_768 - 7 - 7 - 6],
  ["that leaves one byte", 32_768 - 7 - 7 - 1],
  ["that fills a block", 32_768 - 7 - 7],
  ["one byte too long for a block", 32_768 - 7 - 7 + 1],
  ["of three blocks", 100_000],
  ["of nothing", 0],
])("a payload %s, and what follows it", (_, length) => {
  const payloads = [payload(length, 1), payload(40, 2), payload(70_000, 3), payload(5, 4)];
  const file = fileOf(payloads);
  expect(readPayloads(file)).toEqual({ payloads: payloads.map((p) => Buffer.from(p)), damaged: false });
  expect(unframed(file).map(hex)).toEqual(payloads.map(hex));
});

test("payloads appended one by one make the same file", () => {
  const payloads = Array.from({ length: 3000 }, (_, i) => payload((i * 37) % 300, i));
  let file = Buffer.from(FILE_HEADER);
  for (const one of payloads) file = Buffer.concat([file, frame([one], file.length)]);
  expect(file.equals(fileOf(payloads))).toBe(true);
  expect(readPayloads(file).payloads).toHaveLength(3000);
});

test("reading ends before what is cut off, at any byte", () => {
  const payloads = [payload(100, 1), payload(40_000, 2), payload(100, 3)];
  const file = fileOf(payloads);
  const ends = Array.from(unframe(file.subarray(7), 7), (framed) => framed.end);
  expect(ends.at(-1)).toBe(file.length);
  for (let length = 7; length < file.length; length += 13) {
    expect(unframed(file.subarray(0, length))).toHaveLength(ends.filter((end) => end <= length).length);
  }
});

test("reading ends before what is damaged", () => {
  const file = fileOf([payload(100, 1), payload(100, 2), payload(100, 3)]);
  file[7 + 107 + 50]! ^= 1;
  expect(unframed(file).map(hex)).toEqual([hex(payload(100, 1))]);
});

test("reading goes on from any payload's end", () => {
  const payloads = Array.from({ length: 2000 }, (_, i) => payload(100, i));
  const file = fileOf(payloads);
  const ends = Array.from(unframe(file.subarray(7), 7), (framed) => framed.end);
  for (const i of [0, 305, 306, 1998]) {
    const [next] = unframe(file.subarray(ends[i]), ends[i]!);
    expect(hex(next!.payload)).toBe(hex(payloads[i + 1]!));
  }
});
