import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { float32, type HostTensor } from "../../../../core/data/host-tensor.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { inferenceToOnnx } from "../../../../core/export/onnx.ts";
import { verify } from "../../../../core/export/verify.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { predictWith } from "../../../../core/inference.ts";
import { createStream } from "../../../../core/random.ts";
import type { Model } from "../../../../core/task.ts";
import { gaitInference } from "../../../../plugins/tasks/gait/inference.ts";
import { motionNetwork, networkSchema } from "../../../../plugins/tasks/gait/network.ts";
import { parameterSpace } from "../../../../plugins/tasks/gait/parameters/space.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const space = parameterSpace(
  [
    { name: "gait_stride", group: "gait", min: 0.75, max: 1.25, default: 1, known: true },
    { name: "torsion_FemurL", group: "torsion", min: -0.5, max: 0.5, default: 0, known: true },
    { name: "muscle_force_Soleus_L", group: "muscle_force", min: 0.05, max: 1, default: 1, known: false },
    { name: "skeleton_fixed", group: "skeleton", min: 1, max: 1, default: 1, known: true },
  ].map((parameter) => ({ at: "test", parameter })),
  "test",
);

/** Answers with what it is given: four normalised parameters, sine, cosine, and zeros. */
const echo: Model = {
  init: () => ({}),
  apply: (_, { parameters, phase }) =>
    tf.pad(tf.concat([parameters!, phase!], 1) as tf.Tensor2D, [
      [0, 0],
      [0, 95],
    ]),
};
const provenance = { cascaded: false, synthetic: () => true };
const inference = gaitInference(echo, space, provenance);

describe("the function", () => {
  test("takes parameters in their own units and a share of the cycle", async () => {
    const parameters = float32(Float32Array.of(1, 0.25, 0.05, 1, 1.25, -0.5, 1, 1), [2, 4]);
    const { motion } = await predictWith(
      inference,
      {},
    )({ parameters, phase: float32(Float32Array.of(0.25, 1.5), [2, 1]) });
    expect(motion!.shape).toEqual([2, 101]);
    const seen = [0, 1].map((row) => Array.from(motion!.data.subarray(101 * row, 101 * row + 6)));
    const close = (values: number[]): unknown[] => values.map((x) => expect.closeTo(x, 5));
    expect(seen).toEqual([close([0.5, 0.75, 0, 0, 1, 0]), close([1, 0, 1, 0, 0, -1])]);
  });

  test("says what its numbers are", () => {
    expect(inference.metadata).toMatchObject({
      synthetic: true,
      is_cascaded: false,
      known_parameters: 3,
      samples_per_cycle: 30,
      control_rate_hz: 30,
    });
    expect(inference.metadata["parameters"]).toEqual(space.parameters);
    expect(inference.metadata["channels"]).toHaveLength(101);
    expect(inference.inputs["parameters"]!.default).toEqual([1, 0, 1, 1]);
    expect(gaitInference(echo, space, { cascaded: true, synthetic: () => null }).metadata["is_cascaded"]).toBe(true);
  });

  test("examples lie in the ranges, and are the same at each call", () => {
    const { parameters, phase } = inference.examples(50);
    expect([parameters!.shape, phase!.shape]).toEqual([
      [50, 4],
      [50, 1],
    ]);
    parameters!.data.forEach((value, i) => {
      const { min, max } = space.parameters[i % 4]!;
      expect(value).toBeGreaterThanOrEqual(Math.fround(min));
      expect(value).toBeLessThanOrEqual(Math.fround(max));
    });
    expect(inference.examples(50)).toEqual({ parameters, phase });
  });

  test("is the same in ONNX Runtime, with one network and with three", async () => {
    for (const columns of [[[0, 1, 2, 3]], [[0, 3], [0, 1, 2, 3], [2]]]) {
      const model = motionNetwork(columns, networkSchema.parse({ width: 16 })!);
      const random = createStream(1, "weights");
      const params = Object.fromEntries(
        Object.entries(model.init(random)).map(([path, p]) => [
          path,
          tf.tensor(random.normals(p.size, 0, 0.3), p.shape),
        ]),
      );
      const own = gaitInference(model, space, provenance);
      const task = { name: "gait", model, dataset: () => new Promise<never>(() => {}), inference: own };
      const { bytes } = inferenceToOnnx(task, params);
      const found = await verify(bytes, await openRuntime({ threads: 1 }), own, predictWith(own, params));
      expect(found.maxRelative).toBeLessThan(1e-5);
      expect(found.maxAbsolute).toBeGreaterThan(0);
    }
  });
});

describe("answers", () => {
  interface Answer {
    readonly synthetic: boolean;
    readonly channels: readonly string[];
    readonly cycles: readonly { readonly forward_speed_m_per_s: number; readonly motion: number[][] }[];
  }
  const ask = (inputs: Readonly<Record<string, HostTensor>>, options = {}) =>
    inference.answer!(predictWith(inference, {}), {
      inputs,
      source: "given.json",
      options,
    }) as unknown as Promise<Answer>;
  const value = (...numbers: number[]): HostTensor => ({
    dtype: "float64",
    shape: numbers.length === 1 ? [] : [numbers.length],
    data: Float64Array.from(numbers),
  });
  const row = (motion: number[][], sample: number): unknown[] => motion[sample]!.slice(0, 4);

  test("single parameters by name, the others at their defaults; a number is for all rows, a list has one for each", async () => {
    const { synthetic, channels, cycles } = await ask({ gait_stride: value(1.25, 0.75), torsion_FemurL: value(0.5) });
    expect(synthetic).toBe(true);
    expect(channels[0]).toBe("Pelvis.row1.x");
    expect(cycles.map(({ motion }) => [motion.length, motion[0]!.length])).toEqual([
      [30, 101],
      [30, 101],
    ]);
    expect(row(cycles[0]!.motion, 9)).toEqual([1, 1, 1, 0]);
    expect(row(cycles[1]!.motion, 0)).toEqual([0, 1, 1, 0]);
    const [sine, cosine] = cycles[0]!.motion[5]!.slice(4);
    expect([sine, cosine]).toEqual([expect.closeTo(Math.sin(Math.PI / 3), 5), expect.closeTo(0.5, 5)]);
  });

  test("whole rows, one row, and nothing but defaults", async () => {
    const rows = float32(Float32Array.of(1, 0, 1, 1, 0.75, 0, 1, 1), [2, 4]);
    expect((await ask({ parameters: rows })).cycles.map(({ motion }) => row(motion, 0))).toEqual([
      [0.5, 0.5, 1, 0],
      [0, 0.5, 1, 0],
    ]);
    const healthy = await ask({});
    expect(await ask({ parameters: float32(Float32Array.of(1, 0, 1, 1), [4]) })).toEqual(healthy);
    expect(healthy.cycles).toHaveLength(1);
  });

  test("speed is the mean of the pelvis's forward displacement, thirty a second", async () => {
    const forward: Model = {
      init: () => ({}),
      apply: (_, { phase }) =>
        tf.concat(
          [
            tf.zeros([phase!.shape[0]!, 8]),
            tf.add(tf.slice(phase!, [0, 0], [-1, 1]), 0.04),
            tf.zeros([phase!.shape[0]!, 92]),
          ],
          1,
        ),
    };
    const own = gaitInference(forward, space, provenance);
    const answer = (await own.answer!(predictWith(own, {}), {
      inputs: {},
      source: "",
      options: {},
    })) as unknown as Answer;
    expect(answer.cycles[0]!.forward_speed_m_per_s).toBeCloseTo(1.2, 5);
  });

  test.each([
    ["an unknown name", { gait_strid: value(1) }, {}, 'Did you mean "gait_stride"?'],
    [
      "a value out of its range",
      { gait_stride: value(1, 1.3) },
      {},
      '"gait_stride" is 1.3 in row 1, outside its range 0.75 … 1.25',
    ],
    ["NaN", { gait_stride: value(Number.NaN) }, {}, '"gait_stride" is NaN'],
    ["another width", { parameters: float32(new Float32Array(3), [3]) }, {}, "has shape [1, 3], not [*, 4]"],
    [
      "lists of other lengths",
      { gait_stride: value(1, 1, 1), torsion_FemurL: value(0, 0) },
      {},
      "has shape [2], not [3]",
    ],
    [
      "all and single ones",
      { parameters: float32(new Float32Array(4), [4]), gait_stride: value(1) },
      {},
      'holds "parameters" and "gait_stride"',
    ],
    ["an option", {}, { polish: 1 }, "no option --polish"],
  ])("%s: one message", async (_, inputs, options, message) => {
    const error = await ask(inputs as Record<string, HostTensor>, options).catch((e: unknown) => e);
    expect(error).toMatchObject({ fault: "user", message: expect.stringContaining(message) });
  });
});
