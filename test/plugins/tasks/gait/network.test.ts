import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { createStream } from "../../../../core/random.ts";
import type { Tree } from "../../../../core/tree.ts";
import { motionNetwork, type NetworkOptions, networkSchema } from "../../../../plugins/tasks/gait/network.ts";

beforeAll(() => useBackend("cpu"));

const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const network = (columns: readonly (readonly number[])[], given: Partial<NetworkOptions> = {}) => {
  const model = motionNetwork(columns, networkSchema.parse(given)!);
  return { model, params: model.init(createStream(0, "init")) };
};
const sizeOf = (params: Tree): number => Object.values(params).reduce((sum, { size }) => sum + size, 0);
const batch = (rows: number, parameters: number) => {
  const random = createStream(1, "t");
  return {
    parameters: tf.tensor2d(random.uniforms(rows * parameters), [rows, parameters]),
    phase: tf.tensor2d(random.normals(rows * 2), [rows, 2]),
  };
};

describe("parameters", () => {
  test.each([
    ["as published", {}, 721_509],
    ["two layers of 64", { width: 64, depth: 2 }, 282 * 64 + 65 * 64 + 65 * 101],
  ] as const)("%s", (_, given, expected) => {
    expect(sizeOf(network([all(279)], given).params)).toBe(expected);
  });

  test("kernels start uniform in ±√(6/(inputs + outputs)), biases at zero", () => {
    const { params } = network([all(279)]);
    for (const [layer, inputs, outputs] of [
      ["hidden0", 281, 512],
      ["hidden2", 512, 512],
      ["head", 512, 101],
    ] as const) {
      const kernel = Array.from(params[`network0/${layer}/kernel`]!.dataSync());
      const bound = Math.sqrt(6 / (inputs + outputs));
      expect(kernel.every((x) => Math.abs(x) <= bound)).toBe(true);
      const variance = kernel.reduce((sum, x) => sum + x * x, 0) / kernel.length;
      // Squares of uniform numbers have mean bound²/3 and √0.8 times that as their deviation.
      expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(4 * Math.sqrt(0.8 / kernel.length));
      expect(params[`network0/${layer}/bias`]!.dataSync().every((x) => x === 0)).toBe(true);
    }
  });
});

/** One network in plain numbers. */
function byHand(params: Tree, index: number, x: number[], activation: (x: number) => number): number[] {
  const dense = (name: string, h: number[]): number[] => {
    const kernel = params[`network${index}/${name}/kernel`]!.arraySync() as number[][];
    const bias = params[`network${index}/${name}/bias`]!.arraySync() as number[];
    return bias.map((b, j) => h.reduce((sum, value, i) => sum + value * kernel[i]![j]!, b));
  };
  return dense("head", dense("hidden1", dense("hidden0", x).map(activation)).map(activation));
}

describe("apply", () => {
  test.each([
    ["relu", (x: number) => Math.max(0, x)],
    ["silu", (x: number) => x / (1 + Math.exp(-x))],
  ] as const)("takes parameters and phase through hidden layers to a pose (%s)", (activation, f) => {
    const { model, params } = network([all(5)], { width: 7, depth: 2, activation });
    const inputs = batch(3, 5);
    const poses = model.apply(params, inputs).arraySync() as number[][];
    const [seen, phase] = [inputs.parameters.arraySync(), inputs.phase.arraySync()];
    const expected = seen.map((row, i) => byHand(params, 0, [...row, ...phase[i]!], f));
    expect(poses).toEqual(expected.map((row) => row.map((x) => expect.closeTo(x, 5))));
    expect(poses[0]).toHaveLength(101);
  });

  test("networks read their own parameters, and their outputs add up", () => {
    const { model, params } = network([[0, 2], all(4), [3]], { width: 6, depth: 2 });
    expect(params["network0/hidden0/kernel"]!.shape).toEqual([4, 6]);
    expect(params["network1/hidden0/kernel"]!.shape).toEqual([6, 6]);
    const random = createStream(2, "t");
    const trained = Object.fromEntries(
      Object.entries(params).map(([path, p]) => [path, tf.tensor(random.normals(p.size), p.shape)]),
    );
    const inputs = batch(2, 4);
    const poses = model.apply(trained, inputs).arraySync() as number[][];
    const phase = inputs.phase.arraySync();
    const relu = (x: number): number => Math.max(0, x);
    const expected = inputs.parameters.arraySync().map(([a, b, c, d], i) => {
      const parts = [[a!, c!], [a!, b!, c!, d!], [d!]].map((seen, n) =>
        byHand(trained, n, [...seen, ...phase[i]!], relu),
      );
      return parts[0]!.map((_, k) => parts.reduce((sum, part) => sum + part[k]!, 0));
    });
    expect(poses).toEqual(expected.map((row) => row.map((x) => expect.closeTo(x, 4))));
  });

  test("a further network adds nothing before it is trained, and one that is missing nothing either", () => {
    const { model, params } = network([[0], [1]], { width: 6 });
    const inputs = batch(4, 2);
    const both = model.apply(params, inputs).dataSync();
    const first = Object.fromEntries(Object.entries(params).filter(([path]) => path.startsWith("network0/")));
    expect(model.apply(first, inputs).dataSync()).toEqual(both);
    expect(params["network1/hidden0/kernel"]!.dataSync().some((x) => x !== 0)).toBe(true);
  });
});
