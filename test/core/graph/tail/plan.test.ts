import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import type { BinaryOp, Node } from "../../../../core/graph/node.ts";
import { planTail, type StatePair, type TailPlan } from "../../../../core/graph/tail/plan.ts";
import { signatureOf } from "../../../../core/graph/tail/program.ts";
import { expectStep } from "./step.ts";

const build = createBuilder([]);
const op = (name: BinaryOp, a: Node, b: Node) => build.binary(name, a, b);
const number = (x: number) => build.splat(x, []);
const input = (name: string, ...shape: number[]) => build.input(name, shape);
const ramp = (start: number, count: number) => Array.from({ length: count }, (_, i) => start + i / 4);
const pairs = (state: Readonly<Record<string, readonly [Node, Node]>>): StatePair[] =>
  Object.entries(state).map(([name, [before, after]]) => ({ name, before, after }));

const a = input("a", 6);
const b = input("b", 6);
const c = input("c", 6);
const g = input("g", 6);
const values = { a: ramp(1, 6), b: ramp(-7, 6), c: ramp(30, 6), g: ramp(-0.5, 6) };
const step = op("Sub", a, op("Mul", number(0.5), g));

const counts = (plan: TailPlan) => plan.kernels.map((kernel) => kernel.count);
const restOf = (plan: TailPlan) => plan.rest.map((pair) => pair.name);

describe("kernels that touch a common tensor are one", () => {
  test("a slot keeps the old weights", () => {
    const plan = expectStep(pairs({ old: [b, a], a: [a, step] }), [g], values);
    expect(counts(plan)).toEqual([6]);
    expect(plan.frontier).toEqual([g]);
  });

  test("a slot is made of the new weights", () => {
    const plan = expectStep(pairs({ a: [a, step], b: [b, op("Add", b, step)] }), [g], values);
    expect(counts(plan)).toEqual([6]);
    expect(plan.frontier).toEqual([g]);
  });

  test("two tensors change places, three go round", () => {
    expect(counts(expectStep(pairs({ a: [a, b], b: [b, a] }), [], values))).toEqual([6]);
    expect(counts(expectStep(pairs({ a: [a, b], b: [b, c], c: [c, a] }), [], values))).toEqual([6]);
  });

  test("also when the chain from one to the other goes over a third", () => {
    const state = pairs({ a: [a, step], c: [c, op("Add", c, b)], b: [b, op("Mul", b, a)] });
    expect(counts(expectStep(state, [g], values))).toEqual([6]);
  });

  test("a reshaped tensor is touched too", () => {
    const flat = input("a", 6);
    const matrix = input("b", 2, 3);
    const state = pairs({ a: [flat, build.reshape(matrix, [6])], b: [matrix, build.reshape(flat, [2, 3])] });
    const plan = expectStep(state, [], values);
    expect(counts(plan)).toEqual([6]);
    expect(plan.frontier).toEqual([]);
  });

  test("others are apart", () => {
    const h = input("h", 6);
    const state = pairs({ a: [a, step], b: [b, op("Sub", b, op("Mul", number(0.5), h))] });
    const plan = expectStep(state, [g, h], { ...values, h: ramp(9, 6) });
    expect(counts(plan)).toEqual([6, 6]);
    expect(plan.state).toEqual(["a", "b"]);
  });
});

describe("what is not elementwise comes from the runtime", () => {
  test("a statistic of another tensor, which changes as well", () => {
    const large = input("large", 8);
    const mean = build.reduce("ReduceMean", large, [0], false);
    const state = pairs({ a: [a, op("Mul", a, mean)], large: [large, build.unary("Neg", large)] });
    const plan = expectStep(state, [], { ...values, large: ramp(2, 8) });
    expect(counts(plan)).toEqual([6, 8]);
    expect(plan.scalars).toEqual([mean]);
    expect(plan.frontier).toEqual([]);
  });

  test("a transposed tensor of the state", () => {
    const square = input("square", 2, 2);
    const turned = build.transpose(square, [1, 0]);
    const state = pairs({ square: [square, op("Sub", square, turned)] });
    const plan = expectStep(state, [], { square: [1, 2, 3, 4] });
    expect(plan.frontier).toEqual([turned]);
    expect(counts(plan)).toEqual([4]);
  });

  test("an operand that is repeated along an axis", () => {
    const matrix = input("matrix", 2, 3);
    const row = input("row", 3);
    const scaled = op("Mul", matrix, row);
    const state = pairs({ matrix: [matrix, op("Add", matrix, scaled)], row: [row, op("Add", row, row)] });
    const plan = expectStep(state, [], { matrix: ramp(1, 6), row: ramp(-1, 3) });
    expect(plan.frontier).toEqual([scaled]);
    expect(counts(plan)).toEqual([6, 3]);
  });

  test("an operation without vector code", () => {
    const squashed = build.unary("Tanh", op("Mul", g, number(2)));
    const plan = expectStep(pairs({ a: [a, op("Sub", a, squashed)] }), [g], values);
    expect(plan.frontier).toEqual([squashed]);
    expect(counts(plan)).toEqual([6]);
  });

  test("a truth value per element that is not computed here", () => {
    const ids = build.input("ids", [6], "int32");
    const mask = op("Greater", ids, build.splat(2, [], "int32"));
    const chosen = build.where(mask, g, number(0));
    const plan = expectStep(pairs({ a: [a, op("Sub", a, chosen)] }), [g], { ...values, ids: [0, 1, 2, 3, 4, 5] });
    expect(plan.frontier).toEqual([chosen]);
  });

  test("gradients, however they are made, and once for two weights", () => {
    const gradient = op("Mul", c, number(3));
    const state = pairs({ a: [a, op("Sub", a, gradient)], b: [b, op("Add", b, gradient)] });
    const plan = expectStep(state, [gradient], values);
    expect(plan.frontier).toEqual([gradient]);
    expect(plan.state).toEqual(["a", "b"]);
  });
});

describe("what is left to the runtime", () => {
  test("tensors that end in something else", () => {
    const squashed = build.unary("Tanh", a);
    const count = build.input("count", [], "int32");
    const matrix = input("square", 2, 2);
    const state = pairs({
      a: [a, step],
      b: [b, squashed],
      c: [c, g],
      count: [count, op("Add", count, build.splat(1, [], "int32"))],
      square: [matrix, build.reshape(build.transpose(matrix, [1, 0]), [2, 2])],
    });
    const plan = expectStep(state, [], { ...values, count: [4], square: [1, 2, 3, 4] });
    expect(restOf(plan)).toEqual(["b", "c", "count", "square"]);
    expect(counts(plan)).toEqual([6]);
  });

  test("a tensor for which the runtime would have to output many others", () => {
    const parts = ["Tanh", "Sin", "Cos", "Exp", "Sigmoid"].map((name) => build.unary(name as "Tanh", g));
    const sum = (terms: readonly Node[]) => terms.reduce((x, y) => op("Add", x, y), a);
    const planOf = (after: Node) => planTail(pairs({ a: [a, after] }), { barrier: new Set() });
    expect(restOf(planOf(sum(parts.slice(0, 4))))).toEqual([]);
    expect(restOf(planOf(sum(parts)))).toEqual(["a"]);
  });

  test("the beginning of a very long chain", () => {
    let after = a;
    for (let i = 0; i < 20_000; i++) after = op("Add", after, i % 2 === 0 ? b : c);
    const plan = planTail(pairs({ a: [a, after], b: [b, c], c: [c, b] }), { barrier: new Set() });
    expect([plan.kernels.length, plan.frontier.length, plan.rest.length]).toEqual([1, 1, 0]);
  });

  test("a kernel of more parameters than WebAssembly takes", () => {
    const ring = (length: number) => {
      const slots = Array.from({ length }, (_, i) => input(`slot/${i}`, 2));
      return slots.map((slot, i) => ({ name: `slot/${i}`, before: slot, after: slots[(i + 1) % length]! }));
    };
    const contents = Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`slot/${i}`, [i, -i]]));
    expect(counts(expectStep(ring(999), [], contents))).toEqual([2]);
    expect(restOf(planTail(ring(1000), { barrier: new Set() }))).toHaveLength(1000);
  });

  test("nothing of a tensor that does not change", () => {
    const plan = expectStep(pairs({ a: [a, a] }), [], values);
    expect(plan).toEqual({ kernels: [], state: [], frontier: [], scalars: [], rest: [] });
  });
});

describe("scalars", () => {
  const rate = input("rate");

  test("come from the host as they are, whatever shape the step gave them", () => {
    const wide = build.expand(build.reshape(rate, [1]), [6]);
    const plan = expectStep(pairs({ a: [a, op("Add", op("Mul", a, wide), build.reshape(rate, [1]))] }), [], {
      ...values,
      rate: [0.3],
    });
    expect(plan.scalars).toEqual([rate]);
    expect(plan.frontier).toEqual([]);
  });

  test("may be state that changes in the same step", () => {
    const state = pairs({ rate: [rate, op("Mul", rate, number(0.5))], a: [a, op("Mul", a, rate)] });
    const plan = expectStep(state, [], { ...values, rate: [3] });
    expect(plan.scalars).toEqual([rate]);
    expect(counts(plan)).toEqual([1, 6]);
  });

  test("may be gradients, in the shape they have", () => {
    const gradient = build.reshape(build.reduce("ReduceMean", c, [0], false), [1]);
    const state = pairs({ a: [a, op("Mul", a, build.reshape(gradient, []))] });
    expect(expectStep(state, [gradient], values).scalars).toEqual([gradient]);
  });

  test("may be truth values", () => {
    const skip = build.input("skip", [], "bool");
    const constant = build.constant(Uint8Array.of(1), [1], "bool");
    const state = pairs({ a: [a, build.where(op("And", skip, constant), a, g)], b: [b, build.where(constant, a, b)] });
    for (const value of [0, 1]) {
      const plan = expectStep(state, [g], { ...values, skip: [value] });
      expect(plan.frontier).toEqual([g]);
      expect(restOf(plan)).toEqual([]);
    }
  });

  test("fill a tensor", () => {
    const state = pairs({ a: [a, build.splat(2.5, [6])], b: [b, build.expand(rate, [6])] });
    expect(counts(expectStep(state, [], { ...values, rate: [0.1] }))).toEqual([6, 6]);
  });

  test("are told from the tensor where that has one element", () => {
    const [p, d] = [input("p", 1, 1), input("d", 1)];
    const state = pairs({ p: [p, op("Sub", p, op("Mul", rate, d))] });
    const plan = expectStep(state, [d], { p: [3], d: [5], rate: [0.25] });
    expect(plan.frontier).toEqual([d]);
    expect(plan.scalars).toEqual([rate]);
  });
});

test("kernels of one structure have one program; other numbers make another", () => {
  const sgd = (name: string, decay: number) => {
    const [p, d] = [input(`p/${name}`, 4), input(`d/${name}`, 4)];
    return { name, before: p, after: op("Sub", op("Mul", p, number(decay)), op("Mul", input("lr"), d)) };
  };
  const state = [sgd("x", 0.5), sgd("y", 0.5), sgd("z", 0), sgd("w", -0)];
  const signatures = planTail(state, { barrier: new Set() }).kernels.map(({ program }) => signatureOf(program));
  expect(signatures[0]).toBe(signatures[1]);
  expect(new Set(signatures).size).toBe(3);
});
