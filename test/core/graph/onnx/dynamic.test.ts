import { expect, test } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import type { Node } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { expectClose, type Feed, runOnnx, wave } from "./run.ts";

const batch = { size: 1009, name: "batch" };

type Model = (build: Builder, x: Node, rows: number) => Node;

/** Every way in which a shape reads the number of rows n; the input is `[n, 6]`. */
const models: Record<string, Model> = {
  "elementwise, broadcasting": (b, x) => b.binary("Mul", b.unary("Exp", x), b.reduce("ReduceMean", x, [1], true)),
  "a Splat": (b, x, n) => b.concat([x, b.splat(2, [n, 1])], 1),
  "a result that is a Splat": (b, _, n) => b.splat(3, [n, 2]),
  "a product with a Splat": (b, x, n) => b.matmul(x, b.splat(0.5, [n, 6]), true, false),
  "Reshape with one open axis": (b, x, n) => b.reshape(x, [n, 2, 3]),
  "Reshape into rows": (b, x, n) => b.reshape(x, [3 * n, 2]),
  "Reshape of everything": (b, x, n) => b.reshape(x, [6 * n]),
  "Reshape with two open axes": (b, x, n) => b.reshape(b.matmul(x, x, false, true), [n, 1, n]),
  "Expand of an axis": (b, x, n) => b.expand(b.slice(x, [0, 0], [1, 6]), [n, 6]),
  "Expand beside the open axis": (b, x, n) => b.expand(b.reshape(x, [n, 1, 6]), [n, 4, 6]),
  "Expand before the open axis": (b, x, n) => b.expand(x, [3, n, 6]),
  "Tile of the batch": (b, x) => b.tile(x, [3, 1]),
  "Tile by the batch": (b, x, n) => b.tile(b.slice(x, [0, 0], [1, 6]), [n, 2]),
  "Concat of batches": (b, x) => b.concat([x, b.unary("Neg", x)], 0),
  "second half of two batches": (b, x, n) => b.slice(b.concat([x, b.unary("Neg", x)], 0), [n, 0], [n, 6]),
  "every second row": (b, x, n) => b.slice(b.concat([x, x], 0), [0, 1], [n, 5], [2, 1]),
  "the last row": (b, x, n) => b.slice(x, [n - 1, 0], [1, 6]),
  "the rows backwards": (b, x, n) => b.slice(x, [n - 1, 0], [n, 6], [-1, 1]),
  Reverse: (b, x) => b.reverse(x, [0]),
  "Pad by a batch": (b, x, n) => b.pad(x, [n, 1], [0, 0], 5),
  "columns only": (b, x, n) => b.slice(x, [0, 2], [n, 3]),
  Transpose: (b, x) => b.transpose(x, [1, 0]),
  "a sum over the batch": (b, x) => b.reduce("ReduceSum", x, [0], false),
  "a loop": (b, x, n) =>
    b.loop(3, [x, b.splat(0, [n])], ([v, s]) => [
      b.unary("Sin", v!),
      b.binary("Add", s!, b.reduce("ReduceSum", v!, [1], false)),
    ])[1]!,
  "SegmentSum into rows": (b, x, n) =>
    b.segmentSum(x, b.cast(b.reduce("ReduceSum", b.binary("Mul", x, b.splat(0, [n, 6])), [1], false), "int32"), n),
};

const build = (model: Model, rows: number): { x: Node; y: Node } => {
  const builder = createBuilder([]);
  const x = builder.input("x", [rows, 6]);
  return { x, y: model(builder, x, rows) };
};

test.each(Object.entries(models))("%s, at three batch sizes", async (_, model) => {
  const open = build(model, batch.size);
  const files = [true, false].map((standardOnly) =>
    toOnnx({ inputs: [open.x], outputs: { y: open.y } }, { dynamic: batch, standardOnly }),
  );
  for (const rows of [1, 3, 16]) {
    const feeds: Record<string, Feed> = { x: wave([rows, 6]) };
    const { x, y } = build(model, rows);
    const expected = await runOnnx(toOnnx({ inputs: [x], outputs: { y } }).bytes, feeds);
    for (const { bytes } of files) expectClose((await runOnnx(bytes, feeds))["y"]!, expected["y"]!);
  }
});

test("the file names its open dimension", async () => {
  const b = createBuilder();
  const x = b.input("x", [batch.size, 6]);
  const outputs = { y: b.concat([x, x], 0) };
  const { bytes } = toOnnx({ inputs: [x], outputs }, { dynamic: batch });
  const { InferenceSession } = await import("onnxruntime-node");
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const shapes = [...session.inputMetadata, ...session.outputMetadata].map((value) => value.isTensor && value.shape);
  expect(shapes).toEqual([
    ["batch", 6],
    ["2*batch", 6],
  ]);
  await session.release();
});

test("the batch is read from an input that holds several", async () => {
  const b = createBuilder();
  const x = b.input("x", [3 * batch.size, 2]);
  const outputs = { y: b.expand(b.input("w", [2]), [batch.size, 2]) };
  const w = outputs.y.inputs[0]!;
  const { bytes, inputs } = toOnnx({ inputs: [w, x], outputs }, { dynamic: batch });
  expect(inputs).toEqual(["w", "x"]);
  const { y } = await runOnnx(bytes, { w: wave([2]), x: wave([12, 2]) });
  expect(y!.shape).toEqual([4, 2]);
});

test("what fits one batch size only is an error", () => {
  const b = createBuilder([]);
  const x = b.input("x", [batch.size, 2]);
  const w = b.input("w", [2]);
  const write = (y: Node, inputs = [w, x]) => toOnnx({ inputs, outputs: { y } }, { dynamic: batch });
  const rows = b.constant(
    Float32Array.from({ length: batch.size }, (_, i) => i),
    [batch.size, 1],
    "float32",
  );
  expect(() => write(b.binary("Add", x, rows))).toThrow(/\[1009,1\].*MF_ONNX_BATCH_CONSTANT/);
  expect(() => write(b.expand(w, [batch.size, 2]), [w])).toThrow(/"batch".*MF_ONNX_BATCH_INPUT/);
  const sum = b.reduce("ReduceSum", x, [0], false);
  for (const value of [batch.size, 1 / batch.size, -1 / (2 * batch.size), 6 * batch.size]) {
    expect(() => write(b.binary("Mul", sum, b.splat(value, [])))).toThrow(/MF_ONNX_BATCH_VALUE/);
  }
  for (const value of [0, 1e-30, batch.size + 1, 1 / (batch.size - 1)])
    expect(() => write(b.binary("Mul", sum, b.splat(value, [])))).not.toThrow();
});
