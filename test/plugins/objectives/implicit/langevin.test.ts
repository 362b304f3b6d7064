import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { valueAndGrads } from "../../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { repeat } from "../../../../core/engine/feed.ts";
import { actionGradient, lowestEnergy } from "../../../../plugins/objectives/implicit/energy.ts";
import { langevin, stepSizes } from "../../../../plugins/objectives/implicit/langevin.ts";
import { langevinSchema } from "../../../../plugins/objectives/implicit/options.ts";
import { draws, given } from "./draws.ts";

beforeAll(() => useBackend("cpu"));

const published = langevinSchema.parse({});
const box = () => ({ low: tf.tensor1d([-1, -1]), high: tf.tensor1d([1, 3]) });
/** ½‖a − centre‖², whose gradient is a − centre. */
const bowl =
  (centre: tf.Tensor) =>
  (action: tf.Tensor): tf.Tensor =>
    tf.mul(tf.sum(tf.square(tf.sub(action, centre)), 2), 0.5);
const values = (x: tf.Tensor): number[] => Array.from(x.dataSync());

describe("step sizes", () => {
  test("fall from 0.1 to 1e-5 by a square", () => {
    const sizes = stepSizes(published);
    expect(sizes).toHaveLength(100);
    expect(sizes[0]).toBe(0.1);
    expect(sizes[1]).toBeCloseTo(0.0979902, 7);
    expect(sizes[50]).toBeCloseTo(0.0245051, 7);
    expect(sizes[98]).toBeCloseTo(2.02e-5, 7);
    expect(sizes[99]).toBe(1e-5);
  });

  test("a chain of one step has the initial size", () => {
    expect(stepSizes({ ...published, iterations: 1 })).toEqual([0.1]);
  });
});

describe("a step of the chain", () => {
  const one = { ...published, iterations: 1 };
  const start = () =>
    tf.tensor3d([
      [
        [0.5, 1],
        [-0.25, 2],
      ],
    ]);

  test("is λ·(½·∂E/∂a + noise·N) downhill", () => {
    const noise = tf.tensor3d([
      [
        [0.2, -0.1],
        [0, 0.4],
      ],
    ]);
    const end = langevin(bowl(tf.zeros([2])), start(), { ...one, ...box(), noise: 0.5 }, given(noise), repeat);
    const expected = [0.5 - 0.1 * (0.25 + 0.1), 1 - 0.1 * (0.5 - 0.05), -0.25 + 0.1 * 0.125, 2 - 0.1 * (1 + 0.2)];
    for (const [i, value] of values(end).entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("moves no further than a tenth of half the box, in each dimension", () => {
    const far = tf.fill([1, 2, 2], 50);
    const end = langevin(bowl(tf.zeros([2])), start(), { ...one, ...box() }, given(far), repeat);
    const expected = [0.5 - 0.1, 1 - 0.2, -0.25 - 0.1, 2 - 0.2];
    for (const [i, value] of values(end).entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("without that bound ends at the box", () => {
    const far = tf.fill([1, 2, 2], 50);
    const end = langevin(bowl(tf.zeros([2])), start(), { ...one, ...box(), deltaClip: null }, given(far), repeat);
    expect(values(end)).toEqual([-1, -1, -1, -1]);
  });
});

describe("a chain", () => {
  test("draws anew and takes the next step size in each iteration", () => {
    const steps = [0.3, -0.7, 0.2].map((noise) => tf.fill([1, 1, 2], noise));
    const options = { ...published, iterations: 3, stepSize: { initial: 0.2, final: 0.1, power: 1 }, ...box() };
    const end = langevin((a) => tf.sum(tf.mul(a, 0), 2), tf.zeros([1, 1, 2]), options, given(...steps), repeat);
    const moved = 0.2 * 0.3 - 0.1 + 0.1 * 0.2;
    // The second move, 0.15·0.7 = 0.105, is cut to 0.1 where half the box is 1, and not where it is 2.
    expect(values(end)[0]).toBeCloseTo(-moved, 6);
    expect(values(end)[1]).toBeCloseTo(-(0.06 - 0.105 + 0.02), 6);
  });

  test("gathers in the valleys of each row's own energy", () => {
    const centres = tf.tensor3d([[[-0.5, 2]], [[0.5, 0]]]);
    const steep = (action: tf.Tensor): tf.Tensor => tf.mul(bowl(centres)(action), 20);
    const start = tf.add(tf.mul(draws(1).uniform([2, 64, 2]), tf.tensor1d([2, 4])), -1);
    const end = tf.tidy(() => langevin(steep, start, { ...published, ...box() }, draws(), repeat));
    const mean = values(tf.mean(end, 1));
    for (const [i, centre] of [-0.5, 2, 0.5, 0].entries()) expect(mean[i]).toBeCloseTo(centre, 1);
    const far = tf.max(tf.abs(tf.sub(end, centres))).dataSync()[0]!;
    expect(far).toBeLessThan(0.3);
  });

  test("stays in the box, and finds the same actions with the same draws", () => {
    const away = (action: tf.Tensor): tf.Tensor => tf.mul(tf.sum(action, 2), -3);
    const run = () => tf.tidy(() => langevin(away, tf.zeros([3, 5, 2]), { ...published, ...box() }, draws(), repeat));
    const end = run();
    expect(tf.max(end, [0, 1]).dataSync()).toEqual(new Float32Array([1, 3]));
    expect(values(run())).toEqual(values(end));
  });

  test("carries no gradient", () => {
    const { grads } = valueAndGrads(
      ({ w }) => {
        const energy = (action: tf.Tensor): tf.Tensor => tf.mul(tf.sum(tf.square(action), 2), w!);
        const options = { ...published, iterations: 5, noise: 0, ...box() };
        const end = langevin(energy, tf.ones([1, 1, 2]), options, draws(), repeat);
        return tf.add(tf.sum(end), tf.mul(w!, 3));
      },
      { w: tf.scalar(2) },
    );
    expect(grads["w"]!.dataSync()[0]).toBe(3);
  });
});

test("the gradient of an energy is taken for each action by itself", () => {
  const centre = tf.tensor1d([1, -2]);
  const actions = tf.tensor3d([
    [
      [0, 0],
      [3, 1],
    ],
    [
      [1, -2],
      [0.5, 0.5],
    ],
  ]);
  expect(values(actionGradient(bowl(centre), actions))).toEqual(values(tf.sub(actions, centre)));
});

test("the greedy choice is the action of lowest energy, which is the most probable one", () => {
  const energies = tf.tensor2d([
    [0.3, -1, 2],
    [5, 5, 5.5],
  ]);
  const actions = tf.tensor3d([
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    [
      [7, 8],
      [9, 10],
      [11, 12],
    ],
  ]);
  expect(values(lowestEnergy(energies, actions))).toEqual([3, 4, 7, 8]);
  expect(values(tf.argMax(tf.softmax(tf.neg(energies)), 1))).toEqual([1, 0]);
  expect(values(lowestEnergy(tf.tensor2d([[1]]), tf.tensor3d([[[0.5]]])))).toEqual([0.5]);
});
