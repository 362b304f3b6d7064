import { expect, test } from "vitest";
import { readMetadata, withMetadata } from "../../../core/export/metadata.ts";
import { createBuilder } from "../../../core/graph/builder.ts";
import { toOnnx } from "../../../core/graph/onnx/model.ts";
import * as proto from "../../../core/protobuf.ts";

const model = (() => {
  const { input, unary } = createBuilder();
  const x = input("x", [1]);
  return toOnnx({ inputs: [x], outputs: { y: unary("Neg", x) } }).bytes;
})();
const about = {
  task: "energy",
  run: "7",
  config: { train: { steps: 3 } },
  inputs: { x: { shape: ["batch", 2], dtype: "float32", description: "größer", default: [0, 1] } },
  joints: ["a", "b"],
};
const file = withMetadata(model, about);

test("what was written is read, with the shapes of one row", () => {
  expect(readMetadata(file, "m.onnx")).toEqual({
    task: "energy",
    run: "7",
    config: { train: { steps: 3 } },
    inputs: { x: { shape: [2], dtype: "float32", description: "größer", default: [0, 1] } },
  });
});

const refused = (bytes: Uint8Array): string => {
  try {
    readMetadata(bytes, "m.onnx");
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "read";
};

test("an ONNX file of other origin is foreign", () => {
  expect(() => readMetadata(model, "m.onnx")).toThrow('"m.onnx" was not written by mf export');
});

test("a file cut anywhere, or with any byte changed, is refused", () => {
  for (let length = 0; length < file.length; length++) {
    expect(["MF_EXPORT_DAMAGED", "MF_EXPORT_FOREIGN"], `${length} bytes`).toContain(refused(file.subarray(0, length)));
  }
  for (let at = 0; at < file.length; at++) {
    const changed = file.slice();
    changed[at]! ^= 0x5a;
    expect(["MF_EXPORT_DAMAGED", "MF_EXPORT_FOREIGN"], `byte ${at}`).toContain(refused(changed));
  }
});

test("a file with more behind its end is refused", () => {
  const entry = proto.message(14, [proto.string(1, "task"), proto.string(2, "other")]);
  expect(refused(Buffer.concat([file, entry]))).toBe("MF_EXPORT_DAMAGED");
});

test.each([
  ["a text", new TextEncoder().encode("hello, this is not a model\n")],
  ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13)],
  ["random bytes", Uint8Array.from({ length: 999 }, (_, i) => (i * 7919 + 13) % 251)],
])("%s is no ONNX file", (_, bytes) => {
  expect(refused(bytes)).toBe("MF_EXPORT_DAMAGED");
});

test("metadata of another shape is refused by its key", () => {
  const { config: _, ...rest } = about;
  expect(() => readMetadata(withMetadata(model, rest), "m.onnx")).toThrow(/its metadata "config/);
});
