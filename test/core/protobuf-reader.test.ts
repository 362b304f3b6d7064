import { expect, test } from "vitest";
import * as proto from "../../core/protobuf.ts";
import { readFields } from "../../core/protobuf-reader.ts";

test("fields are read as they were written, each with its place", () => {
  const parts = [
    proto.varint(1, 300),
    proto.varint(16, 2 ** 40 + 1),
    proto.float(2, 1.5),
    proto.double(3, -2),
    proto.string(4, "größer"),
    proto.bytes(5, new Uint8Array(200).fill(7)),
    proto.bytes(6, new Uint8Array(0)),
  ];
  const fields = [...readFields(proto.joined(parts))];
  expect(fields.map(({ field }) => field)).toEqual([1, 16, 2, 3, 4, 5, 6]);
  expect(fields.map(({ start }) => start)).toEqual(
    parts.map((_, i) => parts.slice(0, i).reduce((sum, part) => sum + part.length, 0)),
  );
  expect(fields[0]!.value).toBe(300);
  expect(fields[1]!.value).toBe(2 ** 40 + 1);
  expect(fields[2]!.value).toEqual(new Uint8Array(Float32Array.of(1.5).buffer));
  expect(fields[3]!.value).toEqual(new Uint8Array(Float64Array.of(-2).buffer));
  expect(Buffer.from(fields[4]!.value as Uint8Array).toString()).toBe("größer");
  expect(fields[5]!.value).toEqual(new Uint8Array(200).fill(7));
  expect(fields[6]!.value).toEqual(new Uint8Array(0));
});

test.each([
  ["a length beyond the end", [0x0a, 5, 1, 2], "cut off"],
  ["a number without its last byte", [0x08, 0x80], "cut off"],
  ["a number of too many bytes", [0x08, ...Array(12).fill(0xff)], "too many bytes"],
  ["a wire type that does not exist", [0x0f, 1], "no known kind"],
  ["the field zero", [0x02, 0], "no known kind"],
])("%s is refused", (_, bytes, reason) => {
  expect(() => [...readFields(Uint8Array.from(bytes))]).toThrow(reason);
});
