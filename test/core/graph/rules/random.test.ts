import { expect, test } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import { type Node, needed, type Shape, sameShape, sizeOf } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { broadcastShape } from "../../../../core/graph/shape.ts";
import { createStream, type RandomStream } from "../../../../core/random.ts";
import { type Feed, runOnnx, wave } from "../onnx/run.ts";

const feeds: Readonly<Record<string, Feed>> = {
  matrix: wave([3, 4]),
  other: wave([3, 4], 1),
  square: wave([4, 4], 2),
  row: wave([4], 3),
  column: wave([3, 1], 4),
  scalar: wave([], 5),
  cube: wave([2, 3, 4], 6),
};
const constants = [0, -0, 1, -1, 2, 0.5, -3, 0.1];
const exponents = [0, 1, 2, 3, 0.5, 1.5, -0.5, -1];

/**
 * A random graph: the same for the same stream, whatever the rules, since its choices look at shapes only. Values stay
 * of the order of 1 and no operation amplifies errors much, so that both ways of computing it can be compared.
 */
function randomGraph(build: Builder, random: RandomStream, operations: number): { inputs: Node[]; outputs: Node[] } {
  const inputs = Object.entries(feeds).map(([name, { shape }]) => build.input(name, shape));
  const nodes = [...inputs];
  const one = <T>(from: readonly T[]): T => from[random.below(from.length)]!;
  const pick = (): Node => (random.below(4) === 0 ? build.splat(one(constants), one(nodes).shape) : one(nodes));
  const fits = (a: Shape, b: Shape): boolean => {
    try {
      return sizeOf(broadcastShape(a, b)) <= 96;
    } catch {
      return false;
    }
  };
  const partner = (x: Node): Node =>
    one([x, ...nodes.filter((y) => fits(x.shape, y.shape)), build.splat(one(constants), [])]);
  const bounded = (x: Node): Node => build.unary("Tanh", x);
  const positive = (x: Node): Node => build.binary("Add", build.unary("Abs", x), build.splat(0.5, []));
  const axis = (x: Node): number => random.below(x.shape.length);

  const anyRank: ((x: Node) => Node)[] = [
    (x) => build.binary(one(["Add", "Sub", "Mul", "Max", "Min"]), x, bounded(partner(x))),
    (x) => build.binary(one(["Add", "Sub", "Mul"]), build.unary("Neg", x), build.unary("Neg", bounded(partner(x)))),
    (x) => build.binary("Sub", x, build.unary("Neg", partner(x))),
    (x) =>
      build.binary("Mul", build.binary("Mul", x, build.splat(one(constants), [])), build.splat(one(constants), [])),
    (x) => build.binary("Div", x, positive(partner(x))),
    (x) => build.binary("Div", x, build.splat(one([1, 2, -4, 3]), one([[], x.shape]))),
    (x) => build.binary("Pow", positive(bounded(x)), build.splat(one(exponents), [])),
    (x) => build.unary(one(["Neg", "Abs", "Sin", "Sigmoid", "Tanh", "Relu"]), x),
    (x) => build.unary("Exp", bounded(x)),
    (x) =>
      build.where(
        build.binary("Greater", one(inputs.filter((y) => fits(x.shape, y.shape))), build.splat(0.123, [])),
        x,
        bounded(x),
      ),
    (x) => build.reshape(x, [sizeOf(x.shape)]),
    (x) => build.reshape(x, [1, ...x.shape, 1]),
    (x) => build.expand(x, [2, ...x.shape]),
  ];
  const ranked: ((x: Node) => Node)[] = [
    (x) => build.reduce(one(["ReduceSum", "ReduceMean", "ReduceMax"]), x, [axis(x)], random.below(2) === 0),
    (x) => build.reduce("ReduceMean", build.binary("Mul", x, inputs[5]!), [axis(x)], false),
    (x) =>
      build.transpose(
        x,
        x.shape.map((_, i) => (i + 1) % x.shape.length),
      ),
    (x) =>
      build.slice(
        x,
        x.shape.map(() => 0),
        x.shape.with(axis(x), 1),
      ),
    (x) => {
      const along = axis(x);
      const half = Math.ceil(x.shape[along]! / 2);
      const begin = x.shape.map(() => 0);
      const rest = x.shape.with(along, x.shape[along]! - half);
      return build.concat(
        [build.slice(x, begin, x.shape.with(along, half)), build.slice(x, begin.with(along, half), rest)],
        along,
      );
    },
    (x) => build.concat([x, x], axis(x)),
    (x) => build.pad(x, x.shape.map(() => 0).with(axis(x), 1), x.shape.map(() => 0).with(axis(x), 2), one([0, 1])),
    (x) => build.tile(x, x.shape.map(() => 1).with(axis(x), 2)),
    (x) =>
      x.shape.length === 2 ? build.matmul(bounded(x), bounded(build.transpose(x, [1, 0]))) : build.reverse(x, [0]),
  ];
  const [, , square, row, column] = inputs as [Node, Node, Node, Node, Node];
  const outer = build.matmul(column, build.reshape(row, [1, 4]));
  ranked.push((x) => {
    if (x.shape.length !== 2 || x.shape[1] !== 4) return build.matmul(build.expand(row, [2, 4]), square);
    const scaled = build.binary(one(["Add", "Mul"]), bounded(x), row);
    const product = build.matmul(one([scaled, outer, x]), square);
    return one([product, build.reduce("ReduceSum", product, [axis(product)], true)]);
  });
  for (let k = 0; k < operations; k++) {
    const x = pick();
    const made = one(x.shape.length === 0 ? anyRank : [...anyRank, ...ranked])(x);
    if (sizeOf(made.shape) <= 96 && made.shape.length <= 4) nodes.push(bounded(made));
  }
  return { inputs, outputs: nodes.slice(-12) };
}

async function valuesOf(build: Builder, seed: number): Promise<{ values: number[][]; nodes: number }> {
  const { inputs, outputs } = randomGraph(build, createStream(seed, "graph"), 60);
  const named = Object.fromEntries(outputs.map((node, i) => [`y${i}`, node]));
  const results = await runOnnx(toOnnx({ inputs, outputs: named }).bytes, feeds);
  expect(outputs.every((node, i) => sameShape(node.shape, results[`y${i}`]!.shape))).toBe(true);
  return { values: Object.values(results).map(({ values }) => Array.from(values)), nodes: needed(outputs).length };
}

test("sixty random graphs of sixty operations keep their values", async () => {
  let [before, after] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const plain = await valuesOf(createBuilder([]), seed);
    const simplified = await valuesOf(createBuilder(), seed);
    const worst = plain.values.flatMap((ys, k) => ys.map((y, i) => Math.abs(simplified.values[k]![i]! - y)));
    expect(Math.max(0, ...worst), `seed ${seed}`).toBeLessThan(1e-5);
    before += plain.nodes;
    after += simplified.nodes;
  }
  expect(after).toBeLessThan(before);
});
