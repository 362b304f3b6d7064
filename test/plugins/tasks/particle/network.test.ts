import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { valueAndGrads } from "../../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { stepRandom } from "../../../../core/engine/feed.ts";
import { createStream } from "../../../../core/random.ts";
import type { Tree } from "../../../../core/tree.ts";
import {
  dropoutMasks,
  type NetworkOptions,
  networkSchema,
  type PolicyKind,
  sequenceNetwork,
} from "../../../../plugins/tasks/particle/network.ts";

beforeAll(() => useBackend("cpu"));

const options = (given: Partial<NetworkOptions> = {}): NetworkOptions => networkSchema.parse(given)!;
const network = (dims: number, policy: PolicyKind, given: Partial<NetworkOptions> = {}) => {
  const model = sequenceNetwork(dims, policy, options(given));
  return { model, params: model.init(createStream(0, "init")) };
};
const sizeOf = (params: Tree): number => Object.values(params).reduce((sum, { size }) => sum + size, 0);

describe("parameters", () => {
  test.each([
    ["as published", 2, {}, 136_705],
    ["with LayerNorm", 2, { layerNorm: true }, 137_729],
    ["in 16 dimensions", 16, {}, (128 + 16 + 1) * 256 + 2 * 257 * 256 + 257],
    ["two blocks of 32", 1, { width: 32, depth: 4 }, 10 * 32 + 4 * 33 * 32 + 33],
  ] as const)("%s", (_, dims, given, expected) => {
    expect(sizeOf(network(dims, "implicit", given).params)).toBe(expected);
  });

  test("kernels and biases start as N(0, 0.05)", () => {
    const { params } = network(2, "implicit");
    for (const path of ["stem/kernel", "stem/bias", "block0/in/kernel", "block0/out/bias", "head/kernel"]) {
      const values = Array.from(params[path]!.dataSync());
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
      expect(Math.abs(deviation / 0.05 - 1)).toBeLessThan(4 / Math.sqrt(2 * values.length));
    }
  });

  test("an odd depth is refused", () => {
    expect(() => networkSchema.parse({ depth: 3 })).toThrow();
  });
});

/** The same in plain numbers, from the concatenation of observation and action. */
function energyByHand(params: Tree, row: number[], activation: (x: number) => number): number {
  const dense = (name: string, x: number[]): number[] => {
    const kernel = params[`${name}/kernel`]!.arraySync() as number[][];
    const bias = params[`${name}/bias`]!.arraySync() as number[];
    return bias.map((b, j) => x.reduce((sum, value, i) => sum + value * kernel[i]![j]!, b));
  };
  const h = dense("stem", row);
  const inner = dense("block0/out", dense("block0/in", h.map(activation)).map(activation));
  return dense(
    "head",
    h.map((x, i) => x + inner[i]!),
  )[0]!;
}

describe("apply", () => {
  test.each([
    ["relu", (x: number) => Math.max(0, x)],
    ["silu", (x: number) => x / (1 + Math.exp(-x))],
  ] as const)("is a dense layer over observation and action, a pre-activation block, and a head (%s)", (name, f) => {
    const { model, params } = network(1, "implicit", { width: 6, activation: name });
    const random = createStream(1, "t");
    const observation = tf.tensor2d(random.normals(3 * 8), [3, 8]);
    const action = tf.tensor3d(random.normals(3 * 2), [3, 2, 1]);
    const energies = model.apply(params, { observation, action }).arraySync() as number[][];
    const seen = observation.arraySync();
    const tried = action.arraySync();
    const expected = seen.map((o, i) => tried[i]!.map((a) => expect.closeTo(energyByHand(params, [...o, ...a], f), 5)));
    expect(energies).toEqual(expected);
  });

  test.each([{}, { layerNorm: true }, { activation: "silu", depth: 4 }] as const)(
    "an explicit policy gives an action, and reads none: %o",
    (given) => {
      const { model, params } = network(3, "explicit", { width: 8, ...given });
      expect(params["stem/kernel"]!.shape).toEqual([24, 8]);
      const observation = tf.tensor2d(createStream(2, "t").normals(5 * 24), [5, 24]);
      const action = model.apply(params, { observation });
      expect(action.shape).toEqual([5, 3]);
      expect(action.dataSync().every(Number.isFinite)).toBe(true);
    },
  );

  test("an implicit policy without actions says what is wrong", () => {
    const { model, params } = network(1, "implicit", { width: 4 });
    expect(() => model.apply(params, { observation: tf.zeros([1, 8]) })).toThrow(/MF_PARTICLE_POLICY/);
  });

  test("dropout keeps the mean, leaves its share out, and is the same for all candidates of an observation", () => {
    const drop = options({ width: 200, dropout: 0.2 });
    const masks = dropoutMasks(drop, 20, stepRandom(createStream(3, "t")));
    expect(Object.keys(masks)).toEqual(["dropout/block0/in", "dropout/block0/out"]);
    const values = Array.from(masks["dropout/block0/in"]!.dataSync());
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1.25)]));
    expect(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - 1)).toBeLessThan(0.04);

    const { model, params } = network(1, "implicit", { width: 200 });
    const observation = tf.zeros([20, 8]);
    const same = { observation, action: tf.zeros([20, 3, 1]) };
    const energies = model.apply(params, { ...same, ...masks }).arraySync() as number[][];
    for (const row of energies) expect(row).toEqual([row[0], row[0], row[0]]);
    expect(new Set(energies.map((row) => row[0])).size).toBe(20);
    const whole = model.apply(params, same).arraySync() as number[][];
    expect(new Set(whole.map((row) => row[0])).size).toBe(1);
  });
});

describe("the gradient by the action", () => {
  const inputs = () => {
    const random = createStream(4, "t");
    return {
      observation: tf.tensor2d(random.normals(5 * 16), [5, 16]),
      action: tf.tensor3d(random.normals(5 * 7 * 2), [5, 7, 2]),
    };
  };

  test.each([
    ["relu", 2, 0],
    ["relu", 4, 0.3],
    ["silu", 2, 0.3],
    ["silu", 6, 0],
  ] as const)("is what automatic differentiation finds: %s, depth %i, dropout %d", (activation, depth, dropout) => {
    const { model, params } = network(2, "implicit", { width: 24, activation, depth });
    const masks =
      dropout === 0 ? {} : dropoutMasks(options({ width: 24, depth, dropout }), 5, stepRandom(createStream(5, "t")));
    const batch = { ...inputs(), ...masks };
    const energy = ({ action }: Tree): tf.Scalar => tf.sum(model.apply(params, { ...batch, action: action! }));
    const expected = valueAndGrads(energy, { action: batch.action }).grads["action"]!;
    const gradient = model.inputGradient!(params, batch, "action")!;
    expect(gradient.shape).toEqual([5, 7, 2]);
    const scale = tf.max(tf.abs(expected)).dataSync()[0]!;
    expect(tf.max(tf.abs(tf.sub(gradient, expected))).dataSync()[0]).toBeLessThan(1e-6 * scale);
  });

  test("can be differentiated again by the parameters, as a penalty needs", () => {
    const { model, params } = network(2, "implicit", { width: 24, activation: "silu" });
    const { observation, action } = inputs();
    const steepness = (gradientAt: (p: Tree) => tf.Tensor) =>
      valueAndGrads((p) => tf.sum(tf.square(gradientAt(p))), params).grads;
    const ours = steepness((p) => model.inputGradient!(p, { observation, action }, "action")!);
    const energy =
      (p: Tree) =>
      (at: Tree): tf.Scalar =>
        tf.sum(model.apply(p, { observation, action: at["action"]! }));
    const expected = steepness((p) => valueAndGrads(energy(p), { action }).grads["action"]!);
    for (const [path, gradient] of Object.entries(expected)) {
      const scale = tf.max(tf.abs(gradient)).dataSync()[0]!;
      expect(tf.max(tf.abs(tf.sub(ours[path]!, gradient))).dataSync()[0], path).toBeLessThanOrEqual(1e-5 * scale);
    }
  });

  test("there is none of other inputs, with LayerNorm, or of an explicit policy", () => {
    const of = (name: string, policy: PolicyKind, given: Partial<NetworkOptions> = {}) => {
      const { model, params } = network(2, policy, { width: 8, ...given });
      return model.inputGradient!(params, inputs(), name);
    };
    expect(of("observation", "implicit")).toBe(null);
    expect(of("action", "implicit", { layerNorm: true })).toBe(null);
    expect(of("action", "explicit")).toBe(null);
  });
});
