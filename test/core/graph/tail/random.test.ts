import { expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { type BinaryOp, type Node, type Shape, sameShape, sizeOf, type UnaryOp } from "../../../../core/graph/node.ts";
import type { StatePair } from "../../../../core/graph/tail/plan.ts";
import { expectStep } from "./step.ts";

const STEPS = 400;
const shapes: readonly Shape[] = [[], [1], [2, 3], [3, 2], [6], [9]];
const special = [Number.NaN, Infinity, -Infinity, -0, 0];

/** xorshift32: whole numbers below `below`. */
function createDice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A step of random operations, some elementwise, some not, over tensors of a few shapes. */
function randomStep(seed: number) {
  const dice = createDice(seed);
  const one = <T>(items: readonly T[]): T => items[dice(items.length)]!;
  const build = createBuilder([]);
  const befores = Array.from({ length: 2 + dice(4) }, (_, i) => build.input(`state/${i}`, one(shapes)));
  const others = Array.from({ length: 3 }, (_, i) => build.input(`other/${i}`, one(shapes)));
  const pool: Node[] = [...befores, ...others, build.splat(0.1, []), build.splat(-0, [6])];
  const floats = () => pool.filter((node) => node.dtype === "float32");
  const truths = () => pool.filter((node) => node.dtype === "bool");
  const fitting = (node: Node, among: readonly Node[]) =>
    one(among.filter((other) => sameShape(other.shape, node.shape) || sizeOf(other.shape) === 1));

  const recipes: readonly (() => Node)[] = [
    () => build.binary(one<BinaryOp>(["Add", "Sub", "Mul", "Div", "Max", "Min"]), ...two()),
    () => build.binary(one<BinaryOp>(["Add", "Mul"]), ...two()),
    () => build.binary(one<BinaryOp>(["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]), ...two()),
    () =>
      build.unary(
        one<UnaryOp>(["Neg", "Abs", "Sqrt", "Relu", "Sign", "Reciprocal", "Floor", "Round", "Tanh"]),
        one(floats()),
      ),
    () => build.binary("Pow", one(floats()), build.splat(one([-1, -0.5, 0.5, 2, 3]), [])),
    () => {
      const x = one(floats());
      const conditions = truths().filter((c) => sameShape(c.shape, x.shape) || sizeOf(c.shape) === 1);
      return conditions.length === 0 ? x : build.where(one(conditions), x, fitting(x, floats()));
    },
    () => {
      const x = one([...truths(), ...floats()]);
      return build.cast(x, x.dtype === "bool" ? "float32" : "bool");
    },
    () => {
      const x = one(pool);
      return build.reshape(x, one(shapes.filter((shape) => sizeOf(shape) === sizeOf(x.shape))));
    },
    () => {
      const x = one(floats());
      return x.shape.length === 2 ? build.transpose(x, [1, 0]) : x;
    },
    () => {
      const x = one(floats());
      return x.shape.length === 1 ? build.reduce("ReduceMean", x, [0], false) : x;
    },
    () => {
      const x = one(floats());
      return sizeOf(x.shape) === 1 ? build.expand(build.reshape(x, []), one(shapes)) : x;
    },
  ];
  function two(): [Node, Node] {
    const x = one(floats());
    const y = fitting(x, floats());
    return dice(2) === 0 ? [x, y] : [y, x];
  }
  for (let i = 0; i < 25; i++) pool.push(one(recipes)());

  const state: StatePair[] = befores.map((before, i) => {
    const results = floats().filter((node) => sameShape(node.shape, before.shape));
    return { name: `state/${i}`, before, after: one(results.slice(-4)) };
  });
  const barrier = floats().filter((node) => !befores.includes(node) && dice(8) === 0);
  const number = () => (dice(20) === 0 ? one(special) : (dice(2001) - 1000) / 128);
  const inputs = Object.fromEntries(
    [...befores, ...others].map((node) => [
      String(node.attrs["name"]),
      Array.from({ length: sizeOf(node.shape) }, number),
    ]),
  );
  return { state, barrier, inputs };
}

test("the tail of any step is the step, bit for bit", () => {
  let fused = 0;
  let merged = 0;
  let left = 0;
  for (let seed = 1; seed <= STEPS; seed++) {
    const { state, barrier, inputs } = randomStep(seed * 2654435761);
    const plan = expectStep(state, barrier, inputs);
    fused += plan.kernels.length;
    merged += plan.kernels.filter(({ program }) => program.stores.length > 1).length;
    left += plan.rest.length;
  }
  // The steps are worth something only if they meet all cases.
  expect(fused).toBeGreaterThan(STEPS);
  expect(merged).toBeGreaterThan(STEPS / 10);
  expect(left).toBeGreaterThan(STEPS / 10);
});
