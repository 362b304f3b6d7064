import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { createBench } from "../../../core/testing/index.ts";
import type { Tree } from "../../../core/tree.ts";
import { distillation } from "../../../plugins/objectives/distillation/index.ts";
import { gait } from "../../../plugins/tasks/gait/index.ts";
import { directionalDifference, spread } from "../../core/autodiff/finite-differences.ts";

beforeAll(() => useBackend("cpu"));

const number = (x: tf.Tensor): number => x.dataSync()[0]!;

/** The loss of a small network as a function of parameters and batch. */
const lossOf = (options: Parameters<typeof distillation>[0] = {}) => {
  const network = { width: 3, depth: 1, activation: "silu" } as const;
  const { assembly } = createBench([gait({ network }), distillation(options)]);
  const term = assembly.terms[0]!;
  return (params: Tree, batch: Tree): tf.Scalar => term.compute(params, batch, null as never);
};

/** A network that answers with its last bias, whatever it is asked. */
const constant = (bias: tf.Tensor): Tree => ({
  "network0/hidden0/kernel": tf.zeros([281, 3]),
  "network0/hidden0/bias": tf.zeros([3]),
  "network0/head/kernel": tf.zeros([3, 101]),
  "network0/head/bias": bias,
});
const batchOf = (rows: number, motion: tf.Tensor): Tree => ({
  parameters: tf.zeros([rows, 279]),
  phase: tf.zeros([rows, 2]),
  motion,
});
const oneHot = (channel: number): tf.Tensor => tf.oneHot(tf.tensor1d([channel], "int32"), 101).reshape([101]);

describe("the loss", () => {
  // 5·w² of forward GaitNet: 5 in general, four times that for the root's translation, a quarter from the head on.
  test.each([
    [0, 5],
    [5, 5],
    [6, 20],
    [8, 20],
    [9, 5],
    [56, 5],
    [57, 1.25],
    [100, 1.25],
  ])("weighs channel %i by %f", (channel, factor) => {
    const loss = lossOf()(constant(oneHot(channel).toFloat()), batchOf(2, tf.zeros([2, 101])));
    expect(number(loss)).toBeCloseTo(factor / 101, 6);
  });

  test("takes other weights and another scale", () => {
    const loss = lossOf({ scale: 2, weights: { root: 3, upperBody: 0 } });
    const at = (channel: number): number =>
      number(loss(constant(oneHot(channel).toFloat()), batchOf(1, tf.zeros([1, 101]))));
    expect([at(7), at(60), at(20)].map((x) => x * 101)).toEqual([18, 0, 2].map((x) => expect.closeTo(x, 4)));
  });

  test("is the mean over rows", () => {
    const motion = tf.tensor2d([...new Array(101).fill(0.3), ...new Array(101).fill(-0.1)], [2, 101]);
    const weights = [...new Array(6).fill(1), 2, 2, 2, ...new Array(48).fill(1), ...new Array(44).fill(0.5)];
    const squared = weights.reduce((sum, w) => sum + w * w, 0);
    expect(number(lossOf()(constant(tf.zeros([101])), batchOf(2, motion)))).toBeCloseTo(
      (5 * squared * (0.09 + 0.01)) / 202,
      6,
    );
  });

  test("has the derivative of finite differences", () => {
    const shapes = Object.entries(constant(tf.zeros([101]))).map(([path, { shape }]) => [path, shape] as const);
    const params = Object.fromEntries(
      shapes.map(([path, shape], i) => [
        path,
        tf.tensor(spread(tf.util.sizeFromShape(shape), -0.4, 0.5, 0.13 * i), shape),
      ]),
    );
    const batch = {
      parameters: tf.tensor2d(spread(3 * 279, 0, 1), [3, 279]),
      phase: tf.tensor2d(spread(6, -1, 1), [3, 2]),
      motion: tf.tensor2d(spread(303, -1, 1, 0.4), [3, 101]),
    };
    const loss = lossOf();
    const { grads } = valueAndGrads((p) => loss(p, batch), params);
    for (const [path, shape] of shapes) {
      const direction = tf.tensor(spread(params[path]!.size, -1, 1, 0.2), shape);
      const along = (x: tf.Tensor): tf.Tensor => loss({ ...params, [path]: x }, batch);
      const [difference] = directionalDifference(along, [params[path]!], [direction], 1e-2);
      const derivative = number(tf.sum(tf.mul(grads[path]!, direction)));
      expect(Math.abs(derivative - difference!), path).toBeLessThan(1e-3 * Math.max(1, Math.abs(difference!)));
    }
  });
});
