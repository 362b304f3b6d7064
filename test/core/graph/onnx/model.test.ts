import { InferenceSession } from "onnxruntime-node";
import { expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import type { Node, Op } from "../../../../core/graph/node.ts";
import { ONNX_IR_VERSION, ONNX_OPSET, toOnnx } from "../../../../core/graph/onnx/model.ts";
import { all, graphOf, initializersOf, nodesOf, numbers, texts } from "./read.ts";
import { expectClose, floats, runOnnx, wave } from "./run.ts";

test("names stay as given and what no output needs is left out", async () => {
  const build = createBuilder();
  const x = build.input("batch/pose", [2, 3]);
  const kernel = build.input("params/block0/w/kernel", [3, 4]);
  const unread = build.input("params/unread", [5]);
  const h = build.matmul(x, kernel);
  build.unary("Exp", unread);
  build.unary("Sin", h);
  const model = toOnnx({ inputs: [unread, kernel, x], outputs: { "losses/mean": h, "new params/w": kernel } });
  expect(model.inputs).toEqual(["params/block0/w/kernel", "batch/pose"]);
  expect(model.histogram).toEqual({ Gemm: 1, Identity: 1 });
  expect(model.nodes).toBe(2);

  const session = await InferenceSession.create(model.bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  expect(session.inputNames).toEqual(model.inputs);
  expect(session.outputNames).toEqual(["losses/mean", "new params/w"]);
  await session.release();
});

test("one value under two names, and names that look like ours", async () => {
  const build = createBuilder();
  const x = build.input("v1", [2]);
  const y = build.unary("Neg", x);
  const z = build.binary("Add", build.unary("Exp", y), y);
  const { bytes } = toOnnx({ inputs: [x], outputs: { c0: y, v2: y, v3: z } });
  const results = await runOnnx(bytes, { v1: floats([2], [0, -1]) });
  expectClose(results["c0"]!, floats([2], [0, 1]));
  expectClose(results["v2"]!, floats([2], [0, 1]));
  expectClose(results["v3"]!, floats([2], [1, Math.E + 1]));
});

test("a name that two values want is an error", () => {
  const build = createBuilder();
  const x = build.input("params/w", [2]);
  expect(() => toOnnx({ inputs: [x], outputs: { "params/w": build.unary("Neg", x) } })).toThrow(/MF_ONNX_NAME/);
});

test("an input that is not listed is an error that names it", () => {
  const build = createBuilder();
  const [x, y] = [build.input("x", [2]), build.input("batch/y", [2])];
  const outputs = { sum: build.binary("Add", x, y) };
  expect(() => toOnnx({ inputs: [x], outputs })).toThrow(/"batch\/y".*MF_ONNX_INPUT/);
});

test("an operation without an ONNX form is an error that names the node and who recorded it", () => {
  const x = createBuilder().input("x", [2]);
  const odd: Node = { ...x, id: 7, op: "Convolution" as Op, inputs: [x], origin: "ema, afterUpdate" };
  expect(() => toOnnx({ inputs: [x], outputs: { y: odd } })).toThrow(
    /%7 \(recorded in ema, afterUpdate\).*Convolution.*MF_ONNX_UNSUPPORTED/,
  );
});

test("equal constants are stored once", () => {
  const build = createBuilder([]);
  const x = build.input("x", [2, 3]);
  const constant = (): Node => build.constant(Float32Array.of(1, 2, 3), [3], "float32");
  const y = build.binary("Add", build.binary("Mul", x, constant()), constant());
  const shifted = build.binary("Add", y, build.constant(Float32Array.of(1, 2, -0), [3], "float32"));
  const outputs = {
    y: build.binary("Mul", shifted, build.splat(2, [])),
    z: build.binary("Mul", y, build.splat(2, [2, 3])),
  };
  expect(initializersOf(graphOf(toOnnx({ inputs: [x], outputs }).bytes)).map(({ shape }) => shape)).toEqual([
    [3],
    [3],
    [],
  ]);
});

test("weights are stored in the file under their names", async () => {
  const build = createBuilder();
  const [x, kernel] = [build.input("x", [2, 3]), build.input("params/kernel", [3, 2])];
  const graph = { inputs: [x, kernel], outputs: { y: build.matmul(x, kernel) } };
  const values = wave([3, 2]);
  const model = toOnnx(graph, { standardOnly: true, weights: new Map([["params/kernel", values.values]]) });
  expect(model.inputs).toEqual(["x"]);
  expect(initializersOf(graphOf(model.bytes))).toEqual([{ name: "params/kernel", shape: [3, 2] }]);
  const feeds = { x: wave([2, 3], 1), "params/kernel": values };
  expectClose((await runOnnx(model.bytes, feeds))["y"]!, (await runOnnx(toOnnx(graph).bytes, feeds))["y"]!, 0);
});

test("the file says what it is", () => {
  const build = createBuilder();
  const x = build.input("x", [1]);
  const { bytes } = toOnnx(
    { inputs: [x], outputs: { y: build.unary("Tanh", x) } },
    { name: "panda", description: "pose → joints", version: "0.1.0", metadata: { task: "ik", licence: "MIT" } },
  );
  expect(numbers(bytes, 1)).toEqual([ONNX_IR_VERSION]);
  expect([texts(bytes, 2), texts(bytes, 3), texts(bytes, 6)]).toEqual([["motionforge"], ["0.1.0"], ["pose → joints"]]);
  expect(texts(graphOf(bytes), 2)).toEqual(["panda"]);
  expect(all(bytes, 14).map((entry) => [texts(entry, 1)[0], texts(entry, 2)[0]])).toEqual([
    ["task", "ik"],
    ["licence", "MIT"],
  ]);
});

test("only a graph that needs ONNX Runtime's own operators asks for them", () => {
  const build = createBuilder();
  const x = build.input("x", [2, 3, 4]);
  const graph = { inputs: [x], outputs: { y: build.matmul(x, x, false, true) } };
  const sets = (bytes: Uint8Array): unknown[] => all(bytes, 8).map((set) => [texts(set, 1)[0], numbers(set, 2)[0]]);
  const [fused, standard] = [toOnnx(graph), toOnnx(graph, { standardOnly: true })];
  expect(sets(fused.bytes)).toEqual([
    ["", ONNX_OPSET],
    ["com.microsoft", 1],
  ]);
  expect(fused.histogram).toEqual({ FusedMatMul: 1 });
  expect(sets(standard.bytes)).toEqual([["", ONNX_OPSET]]);
  expect(standard.histogram).toEqual({ Transpose: 1, MatMul: 1 });
});

test("the same graph gives the same bytes", () => {
  const bytes = (): Uint8Array => {
    const build = createBuilder();
    const x = build.input("x", [4, 4]);
    const [y] = build.loop(2, [x], ([v]) => [build.matmul(v!, x)]);
    return toOnnx({ inputs: [x], outputs: { y: y! } }).bytes;
  };
  expect(bytes()).toEqual(bytes());
});

test("values are called after the nodes of the graph", () => {
  const build = createBuilder();
  const x = build.input("x", [2]);
  const y = build.unary("Exp", x);
  const { bytes } = toOnnx({ inputs: [x], outputs: { z: build.unary("Sin", y) } });
  expect(nodesOf(graphOf(bytes)).map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
    ["Exp", ["x"], [`v${y.id}`]],
    ["Sin", [`v${y.id}`], ["z"]],
  ]);
});

test("ONNX Runtime refuses a file that was cut or changed, without ending the process", async () => {
  const build = createBuilder();
  const x = build.input("x", [4, 4]);
  const { bytes } = toOnnx({ inputs: [x], outputs: { y: build.unary("Exp", build.matmul(x, x)) } });
  const open = (file: Uint8Array): Promise<unknown> => InferenceSession.create(file, { logSeverityLevel: 4 });
  await expect(open(bytes.subarray(0, bytes.length - 20))).rejects.toThrow();
  await expect(open(Uint8Array.of(1, 2, 3, 4))).rejects.toThrow();
  const renamed = Uint8Array.from(bytes);
  renamed.set(Buffer.from("Exq"), Buffer.from(bytes).indexOf("Exp"));
  await expect(open(renamed)).rejects.toThrow(/Exq/);
});
