import { expect, test } from "vitest";
import * as proto from "../../core/protobuf.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

// From the encoding guide of Protocol Buffers, unless it says otherwise.
test("a varint", () => {
  expect(hex(proto.varint(1, 150))).toBe("089601");
  expect(hex(proto.varint(1, 0))).toBe("0800");
  expect(hex(proto.varint(16, 1))).toBe("800101");
  expect(hex(proto.varint(1, -2))).toBe("08feffffffffffffffff01");
});

test("varints beyond 32 and 53 bits", () => {
  expect(hex(proto.varint(1, 2 ** 40))).toBe("08808080808020");
  expect(hex(proto.varint(1, 2n ** 63n - 1n))).toBe("08ffffffffffffffff7f");
  expect(hex(proto.varint(1, 2n ** 64n - 1n))).toBe("08ffffffffffffffffff01");
});

test("a string, in UTF-8", () => {
  expect(hex(proto.string(2, "testing"))).toBe("120774657374696e67");
  expect(hex(proto.string(2, "é"))).toBe("1202c3a9");
  expect(hex(proto.string(2, ""))).toBe("1200");
});

test("a message inside a message", () => {
  expect(hex(proto.message(3, [proto.varint(1, 150)]))).toBe("1a03089601");
  expect(hex(proto.message(3, []))).toBe("1a00");
});

test("packed numbers", () => {
  expect(hex(proto.packedVarints(6, [3, 270, 86942]))).toBe("3206038e029ea705");
  // IEEE 754: 1 = 3ff0…, −2 = c000…
  expect(hex(proto.packedDoubles(1, [1, -2]))).toBe("0a10000000000000f03f00000000000000c0");
});

test("fixed widths, little-endian", () => {
  expect(hex(proto.float(2, 1))).toBe("150000803f");
  expect(hex(proto.double(1, 1))).toBe("09000000000000f03f");
});

test("bytes longer than 127 and the whole of a message", () => {
  const field = proto.bytes(1, new Uint8Array(300).fill(7));
  expect(field.length).toBe(303);
  expect(hex(field.subarray(0, 4))).toBe("0aac0207");
  expect(hex(proto.joined([proto.varint(1, 1), proto.varint(2, 2)]))).toBe("08011002");
});
