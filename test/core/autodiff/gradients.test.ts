import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { registerGradients } from "../../../core/autodiff/gradients.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { differenceGradient, spread, worstError } from "./finite-differences.ts";

beforeAll(async () => {
  await useBackend("cpu");
});

const silu = (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(x));
const layerNorm = (x: Tensor): Tensor => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
};

/** Each with the range of its argument. Those in the first block throw or are wrong in stock tfjs. */
const functions: Readonly<Record<string, readonly [f: (x: Tensor) => Tensor, low: number, high: number]>> = {
  sigmoid: [tf.sigmoid, -2, 2],
  tanh: [tf.tanh, -2, 2],
  exp: [tf.exp, -2, 1],
  expm1: [tf.expm1, -2, 1],
  "silu = x·sigmoid(x)": [silu, -2, 2],
  elu: [tf.elu, -2, 2],
  selu: [tf.selu, -2, 2],
  leakyRelu: [(x) => tf.square(tf.leakyRelu(x, 0.2)), -2, 2],
  relu6: [(x) => tf.square(tf.relu6(x)), -2, 9],
  softmax: [(x) => tf.softmax(x), -2, 2],
  logSumExp: [(x) => tf.logSumExp(x, -1), -2, 2],
  "x − logSumExp(x)": [(x) => tf.sub(x, tf.logSumExp(x, -1, true)), -2, 2],
  max: [(x) => tf.square(tf.max(x, -1)), -2, 2],
  min: [(x) => tf.exp(tf.min(x)), -2, 2],
  clipByValue: [(x) => tf.square(tf.clipByValue(x, -1, 1)), -2, 2],
  "where(greater(x, 0))": [(x) => tf.where(tf.greater(x, 0), tf.pow(x, 3), tf.mul(x, 2)), -2, 2],
  "where of combined conditions": [
    (x) =>
      tf.where(
        tf.logicalAnd(tf.less(x, 1.5), tf.logicalNot(tf.logicalOr(tf.lessEqual(x, -1), tf.equal(x, 9)))),
        tf.sin(x),
        tf.square(x),
      ),
    -2,
    2,
  ],
  "pow with the variable in both places": [(x) => tf.pow(x, x), 0.5, 2],
  "squaredDifference that broadcasts": [(x) => tf.squaredDifference(x, tf.mean(tf.exp(x), 0, true)), -1, 1],
  "maximum that broadcasts": [(x) => tf.square(tf.maximum(x, tf.mean(x, 0, true))), -2, 2],
  "minimum that broadcasts": [(x) => tf.square(tf.minimum(tf.mean(x, 0, true), x)), -2, 2],

  "relu²": [(x) => tf.square(tf.relu(x)), -2, 2],
  sqrt: [tf.sqrt, 0.4, 2],
  rsqrt: [tf.rsqrt, 0.4, 2],
  log: [tf.log, 0.4, 2],
  softplus: [tf.softplus, -2, 2],
  sin·cos: [(x) => tf.mul(tf.sin(x), tf.cos(tf.mul(2, x))), -2, 2],
  erf: [tf.erf, -2, 2],
  acos: [tf.acos, -0.8, 0.8],
  atan2: [(x) => tf.atan2(x, tf.add(tf.square(x), 1)), -2, 2],
  norm: [(x) => tf.norm(x, "euclidean", -1), -2, 2],
  "layer norm": [layerNorm, -2, 2],
};

describe.each(Object.entries(functions))("%s", (_, [f, low, high]) => {
  const x = () => tf.tensor2d(spread(6, low, high), [2, 3]);
  // Unequal weights, so that a function whose entries sum to a constant is not tested against zero.
  const weighted = (v: Tensor) => {
    const y = f(v);
    return tf.sum(tf.mul(y, tf.tensor(spread(y.size, 0.5, 1.5), y.shape)));
  };

  test("has the gradient that finite differences show", () => {
    expect(worstError(tf.grad(weighted)(x()).dataSync(), differenceGradient(weighted, x()))).toBeLessThan(2e-3);
  });

  test("has the second derivative that finite differences of the gradient show", () => {
    const gradientNorm = (v: Tensor) => tf.sum(tf.square(tf.grad(weighted)(v)));
    expect(worstError(tf.grad(gradientNorm)(x()).dataSync(), differenceGradient(gradientNorm, x()))).toBeLessThan(2e-3);
  });
});

test("the second derivative of silu is 0.478 at 0.3 and 0.391 at 0.7, where stock tfjs says 0.489 and 0.443", () => {
  // silu″(x) = s(1 − s)(2 + x(1 − 2s)), s = sigmoid(x)
  const exact = (x: number) => {
    const s = 1 / (1 + Math.exp(-x));
    return s * (1 - s) * (2 + x * (1 - 2 * s));
  };
  const second = tf
    .grad((x: Tensor) => tf.grad(silu)(x))(tf.tensor1d([0.3, 0.7, 0, -2]))
    .dataSync();
  expect([...second]).toEqual([0.3, 0.7, 0, -2].map((x) => expect.closeTo(exact(x), 5)));
  expect(second[0]).toBeCloseTo(0.478, 3);
  expect(second[1]).toBeCloseTo(0.391, 3);
});

test("the gradient penalty of a SiLU energy network trains its weights in the right direction", () => {
  const y = tf.tensor2d(spread(8, -1, 1), [4, 2]);
  const w2 = tf.tensor2d(spread(5, -1, 1, 0.3), [5, 1]);
  const penalty = (w1: Tensor): Scalar => {
    const energy = (actions: Tensor) => tf.sum(tf.matMul(silu(tf.matMul(actions, w1)), w2));
    const slope = tf.grad(energy)(tf.clone(y));
    return tf.sum(tf.square(tf.relu(tf.sub(tf.norm(slope, "euclidean", 1), 0.1))));
  };
  const w1 = tf.tensor2d(spread(10, -1, 1, 0.7), [2, 5]);
  expect(worstError(tf.grad(penalty)(w1).dataSync(), differenceGradient(penalty, w1))).toBeLessThan(1e-3);
});

test("a large input gives no NaN in the second derivative of elu and selu", () => {
  for (const f of [tf.elu, tf.selu]) {
    const second = tf
      .grad((x: Tensor) => tf.grad((v: Tensor) => f(v))(x))(tf.tensor1d([200, -200]))
      .dataSync();
    expect([...second]).toEqual([0, 0]);
  }
});

test("entries that tie for a maximum share its gradient", () => {
  expect([
    ...tf
      .grad((x: Tensor) => tf.max(x))(tf.tensor1d([3, 1, 3]))
      .dataSync(),
  ]).toEqual([0.5, 0, 0.5]);
});

test("registering again changes nothing and prints nothing", () => {
  const printed = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level));
  const before = tf.getGradient(tf.Sigmoid);
  registerGradients();
  expect(tf.getGradient(tf.Sigmoid)).toBe(before);
  for (const spy of printed) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
});

test("taking second derivatives leaks no tensor", () => {
  const x = tf.tensor1d([0.3, -0.6]);
  const before = tf.memory().numTensors;
  for (const [f] of Object.values(functions).slice(0, 6)) tf.grad((v: Tensor) => tf.grad(f)(v))(x).dispose();
  expect(tf.memory().numTensors).toBe(before);
});
