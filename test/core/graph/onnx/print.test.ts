import { expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { printGraph } from "../../../../core/graph/onnx/print.ts";

test("a graph as text: inputs, nodes, a loop, constants, who recorded it", () => {
  let origin: string | null = null;
  const build = createBuilder([], () => origin);
  const x = build.input("batch/x", [2, 3]);
  const w = build.input("params/w", [3, 3]);
  const unread = build.input("params/unread", [7]);
  const h = build.matmul(x, w, false, true);
  origin = "ema, afterUpdate";
  const shifted = build.binary("Add", h, build.constant(Float32Array.of(1, 0.1, 3, 4, 5, 6), [2, 3], "float32"));
  origin = null;
  const [y, steps] = build.loop(10, [shifted, build.splat(0, [], "int32")], ([v], i) => [
    build.binary("Mul", build.matmul(v!, build.unary("Tanh", w)), build.splat(0.1, [])),
    i,
  ]);
  const rest = build.where(build.binary("Greater", y!, build.splat(0, [2, 3])), y!, build.splat(-1, []));
  const outputs = { y: build.reduce("ReduceSum", rest, [0, 1], false), steps: steps!, w };
  expect(printGraph({ inputs: [unread, x, w], outputs })).toMatchInlineSnapshot(`
    "12 nodes: LoopOutput 2, MatMul 2, Add 1, Const 1, Greater 1, Loop 1, Mul 1, ReduceSum 1, Tanh 1, Where 1
    2 of 3 inputs are read
    batch/x f32[2,3]
    params/w f32[3,3]

    %3 f32[2,3] = MatMul(batch/x, params/w) {transposeA: false, transposeB: true}
    %4 f32[2,3] = Const(1, 0.1, 3, 4, …)   ; ema, afterUpdate
    %5 f32[2,3] = Add(%3, %4)   ; ema, afterUpdate
    %10 f32[3,3] = Tanh(params/w)
    %14 = Loop(%5, 0) {count: 10}
      %7 i32[] = iteration
      %8 f32[2,3] = carried 0
      %9 i32[] = carried 1
      %11 f32[2,3] = MatMul(%8, %10) {transposeA: false, transposeB: false}
      %13 f32[2,3] = Mul(%11, 0.1)
      next %13, %7
    %15 f32[2,3] = LoopOutput(%14) {index: 0}
    %18 bool[2,3] = Greater(%15, 0[2,3])
    %20 f32[2,3] = Where(%18, %15, -1)
    %21 f32[] = ReduceSum(%20) {axes: [0,1], keepDims: false}
    %16 i32[] = LoopOutput(%14) {index: 1}

    y f32[] = %21
    steps i32[] = %16
    w f32[3,3] = params/w
    "
  `);
});
