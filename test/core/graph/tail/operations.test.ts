import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { type Node, unaryOps } from "../../../../core/graph/node.ts";
import { planTail } from "../../../../core/graph/tail/plan.ts";
import { expectSame, expectStep, runStep } from "./step.ts";

const build = createBuilder([]);
const special = [Number.NaN, Infinity, -Infinity, -0, 0, 1, -1, 0.5, 1.5, 2.5, -2.5, -0.3, 1e-40, 3e38].map(
  Math.fround,
);
/** Every special value against every other. */
const left = special.flatMap((x) => special.map(() => x));
const right = special.flatMap(() => special);
const count = left.length;
const x = build.input("x", [count]);
const y = build.input("y", [count]);
const inputs = { x: left, y: right };

/** The kernel's value of a node in x and y; fails if it is not computed in the kernel. */
function computed(after: Node): readonly number[] {
  const state = [{ name: "x", before: x, after }];
  const plan = planTail(state, { barrier: new Set([y]) });
  expect(plan.rest).toEqual([]);
  expect(plan.frontier.filter((node) => node !== y)).toEqual([]);
  return runStep(plan, state, inputs)["x"]!;
}

/** TensorFlow.js writes 0 for -0 here and there. */
const signless = (values: readonly number[]) => values.map((value) => (value === 0 ? 0 : value));

describe("like TensorFlow.js, NaN and infinities included", () => {
  beforeAll(async () => void (await useBackend("cpu")));

  const unary = { Neg: tf.neg, Abs: tf.abs, Sqrt: tf.sqrt, Relu: tf.relu, Sign: tf.sign, Reciprocal: tf.reciprocal };
  const rounding = { Floor: tf.floor, Ceil: tf.ceil, Round: tf.round };
  test.each(Object.entries({ ...unary, ...rounding }))("%s", (op, eager) => {
    const wanted = Array.from((eager(tf.tensor1d(left)) as tf.Tensor).dataSync());
    expectSame(signless(computed(build.unary(op as "Neg", x))), signless(wanted));
  });

  const binary = { Add: tf.add, Sub: tf.sub, Mul: tf.mul, Div: tf.div, Max: tf.maximum, Min: tf.minimum };
  test.each(Object.entries(binary))("%s", (op, eager) => {
    const wanted = Array.from((eager(tf.tensor1d(left), tf.tensor1d(right)) as tf.Tensor).dataSync());
    expectSame(signless(computed(build.binary(op as "Add", x, y))), signless(wanted));
  });

  const comparisons = {
    Greater: tf.greater,
    GreaterOrEqual: tf.greaterEqual,
    Less: tf.less,
    LessOrEqual: tf.lessEqual,
    Equal: tf.equal,
  };
  test.each(Object.entries(comparisons))("%s, in a where and as a number", (op, eager) => {
    const [l, r] = [tf.tensor1d(left), tf.tensor1d(right)];
    const truth = build.binary(op as "Less", x, y);
    expectSame(computed(build.where(truth, x, y)), Array.from(tf.where(eager(l, r), l, r).dataSync()));
    expectSame(computed(build.cast(truth, "float32")), Array.from(eager(l, r).dataSync()));
  });
});

describe("by definition", () => {
  const positive = build.binary("Greater", x, build.splat(0, []));
  const even = build.cast(y, "bool");
  const asNumber = (truth: Node) => build.cast(truth, "float32");

  test("truth values", () => {
    const state = (truth: Node) => [{ name: "x", before: x, after: asNumber(truth) }];
    for (const op of ["And", "Or", "Xor"] as const) {
      expect(expectStep(state(build.binary(op, positive, even)), [y], inputs).frontier).toEqual([y]);
    }
    expectStep(state(build.unary("Not", positive)), [y], inputs);
    expectStep(state(build.unary("IsNaN", x)), [y], inputs);
    expectStep(state(build.where(positive, even, build.unary("Not", even))), [y], inputs);
  });

  test.each([-1, -0.5, 0.5, 1, 2, 3])("x to the power of %d", (exponent) => {
    const after = build.binary("Pow", x, build.splat(exponent, []));
    expect(expectStep([{ name: "x", before: x, after }], [], inputs).frontier).toEqual([]);
  });

  test("other powers are the runtime's", () => {
    for (const exponent of [build.splat(2.5, []), y]) {
      const power = build.binary("Pow", x, exponent);
      const plan = planTail([{ name: "x", before: x, after: build.binary("Add", x, power) }], { barrier: new Set() });
      expect(plan.frontier).toEqual([power]);
    }
  });

  test("so is every function without an instruction", () => {
    const outputs = unaryOps.filter((op) => {
      const f = build.unary(op, op === "Not" ? positive : x);
      const after = build.binary("Add", x, f.dtype === "bool" ? asNumber(f) : f);
      return planTail([{ name: "x", before: x, after }], { barrier: new Set() }).frontier.length > 0;
    });
    expect(outputs).toEqual([
      ...["Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Sigmoid", "Erf"],
      "Softplus",
    ]);
  });
});
