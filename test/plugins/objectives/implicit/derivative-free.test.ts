import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { createStream } from "../../../../core/random.ts";
import { categorical, derivativeFree } from "../../../../plugins/objectives/implicit/derivative-free.ts";
import { derivativeFreeSchema } from "../../../../plugins/objectives/implicit/options.ts";
import { draws } from "./draws.ts";

beforeAll(() => useBackend("cpu"));

const published = derivativeFreeSchema.parse({});
const box = () => ({ low: tf.scalar(-1), high: tf.scalar(1) });
const values = (x: tf.Tensor): number[] => Array.from(x.dataSync());

describe("categorical draws", () => {
  test("invert the cumulative probabilities of each row, up to their sum", () => {
    const probabilities = new Float32Array([0.25, 0, 0.5, 0.25, 0, 2, 2, 0]);
    const chances = new Float32Array([0, 0.2499, 0.25, 0.75, 0, 0.4999, 0.5, 1 - 2 ** -24]);
    expect(Array.from(categorical(probabilities, chances, 4))).toEqual([0, 0, 2, 3, 5, 5, 6, 6]);
  });

  test("come as often as they are probable", () => {
    const count = 20_000;
    const probabilities = new Float32Array(count).map((_, i) => (i % 4 === 0 ? 0 : i % 4));
    const drawn = categorical(probabilities, createStream(0, "chances").uniforms(count), count);
    const shares = [0, 0, 0, 0];
    for (const index of drawn) shares[index % 4]! += 1 / count;
    expect(shares[0]).toBe(0);
    for (const [i, share] of [1 / 6, 2 / 6, 3 / 6].entries()) expect(shares[i + 1]).toBeCloseTo(share, 1.5);
  });
});

describe("the derivative-free optimiser", () => {
  const centres = [0.3, -0.6, -0.9, 0.95];
  const energy = (action: tf.Tensor): tf.Tensor =>
    tf.mul(tf.sum(tf.square(tf.sub(action, tf.tensor(centres, [2, 1, 2]))), 2), 40);
  const start = (count: number) => tf.sub(tf.mul(draws(3).uniform([2, count, 2]), 2), 1);

  test("finds the minimum of each row", () => {
    const found = derivativeFree(energy, start(512), { ...published, ...box() }, draws());
    expect(found.shape).toEqual([2, 2]);
    for (const [i, value] of values(found).entries()) expect(Math.abs(value - centres[i]!)).toBeLessThan(0.06);
  });

  test("returns an action that was evaluated, the best of all of them", () => {
    const seen: { energy: number; action: number[] }[] = [];
    const watched = (action: tf.Tensor): tf.Tensor => {
      const energies = energy(action);
      const actions = action.arraySync() as number[][][];
      for (const [i, e] of (energies.arraySync() as number[][])[0]!.entries()) {
        seen.push({ energy: e, action: actions[0]![i]! });
      }
      return energies;
    };
    const found = derivativeFree(watched, start(16), { ...published, noise: 2, ...box() }, draws());
    expect(seen).toHaveLength(3 * 16);
    const best = seen.reduce((a, b) => (b.energy < a.energy ? b : a));
    expect(values(found).slice(0, 2)).toEqual(best.action);
  });

  test("adds noise of 0.33 and then 0.165, inside of the box", () => {
    const spreads: number[] = [];
    // One candidate is so much more probable than the others that all samples become copies of it.
    const sharp = (action: tf.Tensor): tf.Tensor => {
      const deviation = tf.sqrt(tf.moments(action, [0, 1]).variance).dataSync()[0]!;
      spreads.push(deviation);
      return tf.mul(tf.sum(tf.square(action), 2), 1e6);
    };
    const wide = { low: tf.scalar(-10), high: tf.scalar(10) };
    derivativeFree(sharp, tf.zeros([1, 20_000, 1]), { ...published, ...wide }, draws());
    expect(spreads[0]).toBe(0);
    expect(spreads[1]).toBeCloseTo(0.33, 2);
    expect(spreads[2]).toBeCloseTo(0.165, 2);
    const actions: number[] = [];
    const flat = (action: tf.Tensor): tf.Tensor => {
      actions.push(...values(action));
      return tf.zeros([1, 50]);
    };
    derivativeFree(flat, tf.zeros([1, 50, 1]), { ...published, noise: 5, ...box() }, draws());
    expect([Math.min(...actions), Math.max(...actions)]).toEqual([-1, 1]);
  });

  test("one iteration evaluates the start alone", () => {
    const samples = tf.tensor3d([
      [
        [0.9, 0.9],
        [0.3, -0.5],
      ],
      [
        [-0.9, 0.9],
        [0, 0],
      ],
    ]);
    const found = derivativeFree(energy, samples, { ...published, iterations: 1, ...box() }, draws());
    expect(values(found)).toEqual([0.3, -0.5, -0.9, 0.9].map(Math.fround));
  });

  test("keeps no tensor but its answer", () => {
    const samples = start(8);
    const options = { ...published, ...box() };
    const before = tf.memory().numTensors;
    derivativeFree(energy, samples, options, draws()).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
