import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { valueAndGrads } from "../../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { silu } from "../../../../core/nn/silu.ts";
import type { Tree } from "../../../../core/tree.ts";
import { gradientPenalty } from "../../../../plugins/objectives/implicit/gradient-penalty.ts";
import { infoNce } from "../../../../plugins/objectives/implicit/info-nce.ts";
import { directionalDifference, spread } from "../../../core/autodiff/finite-differences.ts";

beforeAll(() => useBackend("cpu"));

const number = (x: tf.Tensor): number => x.dataSync()[0]!;

describe("InfoNCE", () => {
  test("has the known value", () => {
    expect(number(infoNce(tf.tensor2d([[0.5, -0.2, 0.1]]), 1))).toBeCloseTo(1.1053160527, 6);
  });

  test("is the mean over rows, with energies divided by the temperature", () => {
    const hot = number(infoNce(tf.tensor2d([[1, -0.4, 0.2]]), 2));
    expect(hot).toBeCloseTo(1.1053160527, 6);
    const both = number(
      infoNce(
        tf.tensor2d([
          [0.5, -0.2, 0.1],
          [3, 3, 3],
        ]),
        1,
      ),
    );
    expect(both).toBeCloseTo((1.1053160527 + Math.log(3)) / 2, 6);
  });

  test("is finite for energies of any size, and falls with the positive's", () => {
    const at = (positive: number): number => number(infoNce(tf.tensor2d([[500, -800, positive]]), 1));
    expect(at(900)).toBeCloseTo(1700, 3);
    expect(at(-900)).toBeCloseTo(0, 6);
  });

  test("pulls the positive down by what it lacks, and pushes the others up by their share", () => {
    const gradient = tf.grad((e) => infoNce(e, 1))(tf.tensor2d([[0.5, -0.2, 0.1]]));
    const shares = Array.from(tf.softmax(tf.tensor1d([-0.5, 0.2, -0.1])).dataSync());
    const expected = [-shares[0]!, -shares[1]!, 1 - shares[2]!];
    for (const [i, g] of Array.from(gradient.dataSync()).entries()) expect(g).toBeCloseTo(expected[i]!, 6);
  });
});

describe("the gradient penalty", () => {
  test("has the known value", () => {
    const slopes = tf.tensor3d([
      [
        [0.5, -1.7],
        [0.2, 0.3],
        [2.5, 0],
      ],
    ]);
    const plane = (action: tf.Tensor): tf.Tensor => tf.sum(tf.mul(action, slopes), 2);
    expect(number(gradientPenalty(plane, tf.ones([1, 3, 2]), 1))).toBeCloseTo(0.9133333, 6);
  });

  test("costs nothing within the margin", () => {
    const plane = (action: tf.Tensor): tf.Tensor => tf.mul(tf.sum(action, 2), 0.99);
    expect(number(gradientPenalty(plane, tf.ones([2, 3, 2]), 1))).toBe(0);
    expect(number(gradientPenalty(plane, tf.ones([2, 3, 2]), 0.49))).toBeCloseTo(0.25, 6);
  });

  test("sends nothing back into the actions", () => {
    const { grads } = valueAndGrads(
      ({ a, w }) => gradientPenalty((action) => tf.mul(tf.sum(tf.square(action), 2), w!), a!, 0),
      { a: tf.ones([1, 2, 2]), w: tf.scalar(3) },
    );
    expect(Array.from(grads["a"]!.dataSync())).toEqual([0, 0, 0, 0]);
    // (2·w·a)² at a = 1.
    expect(number(grads["w"]!)).toBeCloseTo(8 * 3, 4);
  });

  /** Two hidden layers; the observation's part of the first is in its bias. */
  const network = (activation: (x: tf.Tensor) => tf.Tensor) => (params: Tree) => (action: tf.Tensor) => {
    const x = tf.reshape(action, [-1, 2]) as tf.Tensor2D;
    const first = activation(tf.add(tf.matMul(x, params["w1"] as tf.Tensor2D), params["b1"]!)) as tf.Tensor2D;
    const second = activation(tf.add(tf.matMul(first, params["w2"] as tf.Tensor2D), params["b2"]!)) as tf.Tensor2D;
    return tf.reshape(tf.matMul(second, params["w3"] as tf.Tensor2D), [action.shape[0]!, action.shape[1]!]);
  };
  const shapes = { w1: [2, 5], b1: [5], w2: [5, 4], b2: [4], w3: [4, 1] };
  const parameters = (): Record<string, tf.Tensor> =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [
        name,
        tf.tensor(spread(tf.util.sizeFromShape(shape), -1.2, 1.4, 0.31 * i), shape),
      ]),
    );
  const actions = () => tf.tensor(spread(12, -0.9, 0.9, 0.05), [2, 3, 2]);

  test.each([
    ["ReLU", tf.relu],
    ["SiLU", silu],
  ] as const)("has the derivative of finite differences with %s", (_, activation) => {
    const names = Object.keys(shapes);
    const penalty = (params: Tree): tf.Scalar => gradientPenalty(network(activation)(params), actions(), 0.1);
    const params = parameters();
    const { value, grads } = valueAndGrads(penalty, params);
    expect(number(value)).toBeGreaterThan(0.01);
    for (const [k, name] of names.entries()) {
      const { shape, size } = params[name]!;
      for (const phase of [0.1, 0.6]) {
        const direction = tf.tensor(spread(size, -1, 1, phase + k), shape);
        const along = (x: tf.Tensor): tf.Tensor => penalty({ ...params, [name]: x });
        // Steps so small that no unit switches and no row's largest component becomes another.
        const [difference] = directionalDifference(along, [params[name]!], [direction], 1e-3);
        const derivative = number(tf.sum(tf.mul(grads[name]!, direction)));
        expect(Math.abs(derivative - difference!), `${name}, ${phase}`).toBeLessThan(
          2e-3 * Math.max(1, Math.abs(difference!)),
        );
      }
    }
  });

  test("with SiLU every parameter has a derivative, the biases too", () => {
    const params = parameters();
    const { grads } = valueAndGrads((p) => gradientPenalty(network(silu)(p), actions(), 0.1), params);
    for (const name of Object.keys(shapes)) expect(number(tf.max(tf.abs(grads[name]!))), name).toBeGreaterThan(1e-4);
  });
});
