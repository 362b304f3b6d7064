import { expect, test } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import type { Node } from "../../../../core/graph/node.ts";
import { gemm, gemmBias } from "../../../../core/graph/onnx/fusions.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { bodyOf, graphOf, nodesOf } from "./read.ts";
import { expectClose, type Feed, floats, inputsOf, ints, runOnnx, wave } from "./run.ts";

type Body = (build: Builder, carried: readonly Node[], iteration: Node) => readonly Node[];

/** The same iterations as nodes of their own. */
function unrolled(build: Builder, count: number, starts: readonly Node[], body: Body): readonly Node[] {
  let carried = starts;
  for (let i = 0; i < count; i++) carried = body(build, carried, build.splat(i, [], "int32"));
  return carried;
}

async function compare(
  count: number,
  feeds: Record<string, Feed>,
  starts: (build: Builder, inputs: Node[]) => readonly Node[],
  body: (inputs: Node[]) => Body,
): Promise<Record<string, Feed>> {
  const results = await Promise.all(
    [true, false].map(async (loops) => {
      const build = createBuilder();
      const inputs = inputsOf(build, feeds);
      const begin = starts(build, inputs);
      const step = body(inputs);
      const ends = loops
        ? build.loop(count, begin, (carried, i) => step(build, carried, i))
        : unrolled(build, count, begin, step);
      const outputs = Object.fromEntries(ends.map((node, k) => [`end${k}`, node]));
      return runOnnx(toOnnx({ inputs, outputs }).bytes, feeds);
    }),
  );
  for (const [name, feed] of Object.entries(results[1]!)) expectClose(results[0]![name]!, feed);
  return results[0]!;
}

test("Langevin steps: a captured matrix, the iteration's number, two carried values", () =>
  compare(
    5,
    { x: wave([4, 3]), w: wave([3, 3], 1) },
    (build, [x]) => [x!, build.splat(0, [4])],
    ([, w]) =>
      (build, [v, sum], i) => {
        const drift = build.unary("Tanh", build.matmul(v!, w!));
        const scale = build.binary("Add", build.cast(i, "float32"), build.splat(1, []));
        const next = build.binary("Sub", v!, build.binary("Div", drift, scale));
        return [next, build.binary("Add", sum!, build.reduce("ReduceSum", next, [1], false))];
      },
  ));

test("results that are carried through, exchanged, taken from outside, constant, or the same twice", async () => {
  const ends = await compare(
    3,
    { a: floats([2], [1, 2]), b: floats([2], [3, 4]) },
    (_, [a, b]) => [a!, b!, a!, a!, a!, a!, a!],
    ([, b]) =>
      (build, [p, q, r, , , , last]) => {
        const sum = build.binary("Add", p!, r!);
        return [q!, p!, r!, b!, build.splat(7, [2]), build.unary("Neg", last!), build.unary("Neg", last!), sum].slice(
          0,
          7,
        );
      },
  );
  expect(Object.values(ends).map(({ values }) => [...values])).toEqual([
    [3, 4],
    [1, 2],
    [1, 2],
    [3, 4],
    [7, 7],
    [-1, -2],
    [-1, -2],
  ]);
});

test("carried whole numbers and truth values", () =>
  compare(
    4,
    { n: ints([3], [1, -2, 3]) },
    (build, [n]) => [n!, build.binary("Greater", n!, build.splat(0, [], "int32"))],
    () =>
      (build, [n, positive], i) => [
        build.where(positive!, build.binary("Mul", n!, build.splat(2, [], "int32")), build.binary("Add", n!, i)),
        build.unary("Not", positive!),
      ],
  ));

test("no iteration gives the starts", async () => {
  const build = createBuilder();
  const x = build.input("x", [2]);
  const [y] = build.loop(0, [x], ([v]) => [build.unary("Exp", v!)]);
  const { y: end } = await runOnnx(toOnnx({ inputs: [x], outputs: { y: y! } }).bytes, { x: floats([2], [1, 2]) });
  expectClose(end!, floats([2], [1, 2]));
});

test("what a loop does not change is computed once, outside", async () => {
  const build = createBuilder();
  const [x, w] = [build.input("x", [2, 2]), build.input("w", [2, 2])];
  const [y] = build.loop(3, [x], ([v]) => {
    const fixed = build.unary("Exp", build.matmul(w, w));
    return [build.binary("Mul", build.matmul(v!, fixed), build.splat(0.1, []))];
  });
  const graph = graphOf(toOnnx({ inputs: [x, w], outputs: { y: y! } }).bytes);
  const [, , loop] = nodesOf(graph);
  expect(nodesOf(graph).map(({ op }) => op)).toEqual(["Gemm", "Exp", "Loop"]);
  expect(nodesOf(bodyOf(loop!.bytes)).map(({ op }) => op)).toEqual(["Gemm", "Mul", "Identity"]);
});

test("what a loop would broadcast in short runs is repeated before it", async () => {
  const feeds = {
    ...{ x: wave([40, 8, 2]), low: wave([40, 1, 2], 1), gain: wave([2], 2) },
    ...{ long: wave([4, 8, 40]), shift: wave([4, 1, 40], 3) },
  };
  const body =
    ([, low, gain, , shift]: Node[]): Body =>
    (build, [v, w]) => [build.binary("Max", build.binary("Mul", v!, gain!), low!), build.binary("Sub", w!, shift!)];
  const starts = (_: Builder, [x, , , long]: Node[]) => [x!, long!];
  await compare(3, feeds, starts, body);

  const build = createBuilder();
  const inputs = inputsOf(build, feeds);
  const ends = build.loop(3, starts(build, inputs), (carried, i) => body(inputs)(build, carried, i));
  const graph = graphOf(toOnnx({ inputs, outputs: { end0: ends[0]!, end1: ends[1]! } }).bytes);
  expect(nodesOf(graph).map(({ op }) => op)).toEqual(["Expand", "Expand", "Loop"]);
});

test("loops in loops, each reading what lies around it", async () => {
  const run = async (loops: boolean): Promise<{ result: Feed; ops: string[][] }> => {
    const build = createBuilder();
    const [x, w] = [build.input("x", [3]), build.input("w", [3])];
    const iterate = (count: number, start: Node, body: (v: Node, i: Node) => Node): Node =>
      loops
        ? build.loop(count, [start], ([v], i) => [body(v!, i)])[0]!
        : unrolled(build, count, [start], (_, [v], i) => [body(v!, i)])[0]!;
    const y = iterate(3, x, (outer, i) => {
      const perOuter = build.unary("Sin", build.binary("Add", outer, build.cast(i, "float32")));
      return iterate(2, outer, (inner, j) => {
        const moved = build.binary("Sub", build.binary("Mul", perOuter, build.unary("Cos", w)), inner);
        return build.binary("Div", moved, build.binary("Add", build.cast(j, "float32"), build.splat(1, [])));
      });
    });
    const { bytes } = toOnnx({ inputs: [x, w], outputs: { y } });
    const nodes = nodesOf(graphOf(bytes));
    const outer = loops ? nodesOf(bodyOf(nodes.at(-1)!.bytes)) : [];
    const { y: result } = await runOnnx(bytes, { x: wave([3]), w: wave([3], 1) });
    return { result: result!, ops: [nodes, outer].map((list) => list.map(({ op }) => op)) };
  };
  const [looped, plain] = [await run(true), await run(false)];
  expectClose(looped.result, plain.result);
  expect(looped.ops[0]).toEqual(["Cos", "Loop"]);
  // Cast: the iteration's number to int32, then to float32.
  expect(looped.ops[1]).toEqual(["Cast", "Cast", "Add", "Sin", "Mul", "Loop", "Identity"]);
});

test("a bias from outside joins a product inside, a product from outside stays there", async () => {
  const build = createBuilder();
  const [x, w, b] = [build.input("x", [2, 2]), build.input("w", [2, 2]), build.input("b", [2])];
  const [y] = build.loop(2, [x], ([v]) => [
    build.binary("Add", build.binary("Add", build.matmul(v!, w), b), build.unary("Exp", build.matmul(w, w))),
  ]);
  const [z] = build.loop(2, [build.splat(0, [2])], ([v]) => [
    build.reduce("ReduceMax", build.binary("Add", build.matmul(w, x), build.unary("Tanh", v!)), [0], false),
  ]);
  const { bytes } = toOnnx({ inputs: [x, w, b], outputs: { y: y!, z: z! } }, { fusions: [gemm, gemmBias] });
  const nodes = nodesOf(graphOf(bytes));
  const bodies = nodes.filter(({ op }) => op === "Loop").map(({ bytes: loop }) => nodesOf(bodyOf(loop)));
  expect(nodes.map(({ op }) => op)).toEqual(["Gemm", "Exp", "Loop", "Gemm", "Loop"]);
  expect(bodies.map((body) => body.map(({ op, inputs }) => `${op} ${inputs.length}`))).toEqual([
    ["Gemm 3", "Add 2", "Identity 1"],
    ["Tanh 1", "Add 2", "ReduceMax 2", "Identity 1"],
  ]);
});
