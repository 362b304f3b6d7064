import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { float32, type HostTensor } from "../../../../core/data/host-tensor.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { predictWith } from "../../../../core/inference.ts";
import { createStream } from "../../../../core/random.ts";
import type { Model } from "../../../../core/task.ts";
import { baselinePolicies } from "../../../../plugins/tasks/particle/baselines.ts";
import { evaluationStart, rollOutModel } from "../../../../plugins/tasks/particle/evaluate.ts";
import {
  inferenceSchema,
  type PolicyOptions,
  particleInference,
  policyOf,
} from "../../../../plugins/tasks/particle/inference.ts";
import { networkSchema, sequenceNetwork } from "../../../../plugins/tasks/particle/network.ts";
import { actionBox, type Normalizer } from "../../../../plugins/tasks/particle/normalizer.ts";
import { rollOut } from "../../../../plugins/tasks/particle/rollout.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const normalizer: Normalizer = {
  mean: [0.5, 0.4, 0, 0, 0.5, 0.5, 0.5, 0.5],
  deviation: [0.3, 0.3, 0.2, 0.2, 0.3, 0.3, 0.3, 0.3],
  lowest: [0, 0.02],
  highest: [1, 0.98],
};

/** Lowest where the setpoint is the second goal of the newer observation: 10·‖a − goal‖² in normalised actions. */
const towardsSecondGoal: Model = {
  init: () => ({}),
  apply(_, { observation, action }) {
    const goal = tf.add(tf.mul(tf.slice(observation!, [0, 14], [-1, 2]), 0.3), 0.5);
    const normalized = tf.sub(tf.div(tf.sub(goal, tf.tensor1d([0, 0.02])), tf.tensor1d([0.5, 0.48])), 1);
    return tf.mul(tf.sum(tf.squaredDifference(action!, tf.expandDims(normalized, 1)), 2), 10);
  },
};

const implicit = (given: object): PolicyOptions => ({ dims: 2, policy: "implicit", ...inferenceSchema.parse(given)! });
const langevin = implicit({ samples: 64, langevin: { iterations: 30 } });
const dfo = implicit({ method: "dfo", samples: 256, dfo: { iterations: 6, shrink: 0.4 } });
const windows = (count: number): Float64Array => {
  const random = createStream(4, "t");
  return Float64Array.from({ length: count * 16 }, () => 0.1 + 0.8 * random.uniform());
};

describe.each([
  ["langevin", langevin],
  ["dfo", dfo],
] as const)("%s", (_, options) => {
  const predict = predictWith(
    particleInference(towardsSecondGoal, options, () => normalizer),
    {},
  );

  test("finds the action of lowest energy", async () => {
    const frames = windows(6);
    const actions = await policyOf(predict, options)(frames);
    for (let i = 0; i < 6; i++) {
      for (const d of [0, 1]) expect(Math.abs(actions[2 * i + d]! - frames[16 * i + 14 + d]!)).toBeLessThan(0.02);
    }
  });

  test("gives an observation one answer, whatever it comes with", async () => {
    const frames = windows(6);
    const policy = policyOf(predict, options);
    const together = await policy(frames);
    expect([...(await policy(frames.subarray(16 * 4)))]).toEqual(
      [...together.subarray(8)].map((x) => expect.closeTo(x, 5)),
    );
    expect(await policy(frames)).toEqual(together);
  });

  test("stays in the box, also where the energy falls beyond it", async () => {
    const beyond = Float64Array.from({ length: 16 }, (_, i) => (i === 14 ? 3 : i === 15 ? -3 : 0.5));
    const [x, y] = await policyOf(predict, options)(beyond);
    const { low, high } = actionBox(normalizer);
    expect(high[0]).toBe(1);
    expect([x, y]).toEqual([expect.closeTo(1, 2), expect.closeTo(0.02 + (low[1]! + 1) * 0.48, 2)]);
  });
});

test("a closed loop with the second goal's energy goes where the always_goal2 baseline goes", async () => {
  const inference = particleInference(towardsSecondGoal, dfo, () => normalizer);
  const evaluation = { episodes: 8, seed: 1 };
  const learned = await rollOutModel(predictWith(inference, {}), dfo, evaluation);
  const known = await rollOut(evaluationStart(2, evaluation), baselinePolicies["always_goal2"]!(2));
  for (const [i, x] of learned.last.position.entries())
    expect(Math.abs(x - known.last.position[i]!)).toBeLessThan(0.03);
});

describe("an explicit policy", () => {
  const options: PolicyOptions = { ...implicit({}), policy: "explicit" };
  const model = sequenceNetwork(2, "explicit", networkSchema.parse({ width: 8 })!);

  test("answers with the network's action as a setpoint, kept in the box", async () => {
    const params = model.init(createStream(0, "init"));
    const inference = particleInference(model, options, () => normalizer);
    const frames = windows(3);
    const actions = await policyOf(predictWith(inference, params), options)(frames);
    const scaled = frames.map((x, i) => (x - normalizer.mean[i % 8]!) / normalizer.deviation[i % 8]!);
    const raw = model.apply(params, { observation: tf.tensor2d(Float32Array.from(scaled), [3, 16]) }).dataSync();
    const expected = Array.from(raw, (u, i) => (i % 2 === 0 ? (u + 1) * 0.5 : 0.02 + (u + 1) * 0.48));
    expect([...actions]).toEqual(expected.map((a) => expect.closeTo(a, 5)));
    const far = { ...params, "head/bias": tf.tensor1d([50, -50]) };
    const kept = await policyOf(predictWith(inference, far), options)(frames);
    expect([kept[0], kept[1]]).toEqual([expect.closeTo(1, 6), expect.closeTo(0, 2)]);
  });
});

describe("answers", () => {
  const inference = particleInference(towardsSecondGoal, langevin, () => normalizer);
  const ask = (inputs: Readonly<Record<string, HostTensor>>, options = {}) =>
    inference.answer!(predictWith(inference, {}), { inputs, source: "given.json", options }) as Promise<{
      actions: number[][];
    }>;
  const rows = Float32Array.from(windows(2));

  test("windows, single observations and one observation", async () => {
    const two = await ask({ observation: float32(rows, [2, 2, 8]) });
    expect(two.actions).toHaveLength(2);
    const singles = await ask({ observation: float32(rows, [4, 8]) });
    expect(singles.actions).toHaveLength(4);
    const one = await ask({ observation: float32(rows.subarray(24), [8]) });
    expect(one.actions[0]).toEqual(singles.actions[3]!.map((x) => expect.closeTo(x, 5)));
  });

  test.each([
    ["no observation", { pose: float32(rows, [4, 8]) }, {}, 'holds no array "observation" [N, 2, 8]; it has pose'],
    ["another dimension", { observation: float32(rows.subarray(0, 24), [2, 12]) }, {}, "has shape [2, 12], not [*, 8]"],
    ["NaN", { observation: float32(new Float32Array(8).fill(Number.NaN), [8]) }, {}, '"observation" has NaN'],
    ["an unknown option", { observation: float32(rows, [4, 8]) }, { polish: 2 }, "no option --polish"],
  ])("%s: named with its source", async (_, inputs, options, message) => {
    const error = await ask(inputs, options).catch((e: unknown) => e);
    expect(error).toMatchObject({ fault: "user", message: expect.stringContaining(message) });
    expect((error as Error).message).toContain("given.json");
  });

  test("examples are windows of episodes", () => {
    const { observation } = inference.examples(3);
    expect(observation!.shape).toEqual([3, 2, 8]);
    expect(inference.examples(3)).toEqual({ observation });
  });
});
