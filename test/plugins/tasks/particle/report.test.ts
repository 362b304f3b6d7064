import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { float32 } from "../../../../core/data/host-tensor.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import type { Figure2d } from "../../../../core/report/figure.ts";
import type { Model, Predict } from "../../../../core/task.ts";
import { evaluationStart } from "../../../../plugins/tasks/particle/evaluate.ts";
import { inferenceSchema } from "../../../../plugins/tasks/particle/inference.ts";
import { episodeFigure } from "../../../../plugins/tasks/particle/report.ts";

beforeAll(() => useBackend("cpu"));

const evaluation = { episodes: 6, seed: 3 };
const normalizer = { mean: Array(8).fill(0), deviation: Array(8).fill(1), lowest: [0, 0], highest: [1, 1] };
/** The energy of a setpoint is its distance from the right edge, in units where the data is from −1 to 1. */
const toTheRight: Model = {
  init: () => ({}),
  apply: (_, { action }) => tf.sub(1, tf.slice(action!, [0, 0, 0], [-1, -1, 1])).squeeze([2]),
};
/** Always to the first goal, which is what the observation's numbers 4 and 5 are. */
const toFirstGoal: Predict = async (inputs) => {
  const { data, shape } = inputs["observation"]!;
  const rows = shape[0]!;
  const actions = Float32Array.from({ length: 2 * rows }, (_, i) => data[16 * Math.floor(i / 2) + 12 + (i % 2)]!);
  return { action: float32(actions, [rows, 2]) };
};

const figureOf = (policy: "implicit" | "explicit", dims = 2): Promise<Figure2d> =>
  episodeFigure(
    { model: toTheRight, options: { ...inferenceSchema.parse({}), dims, policy }, normalizer },
    {},
    toFirstGoal,
    evaluation,
  );

test("the path begins where the episode begins and goes where the policy asks, step by step", async () => {
  const { clips } = await figureOf("explicit");
  const { position, firstGoal, secondGoal } = evaluationStart(2, evaluation);
  expect(clips).toHaveLength(4);
  for (const [i, { path, marks, frames, note }] of clips.entries()) {
    const near = (values: Float64Array) => [...values.subarray(2 * i, 2 * i + 2)].map((x) => expect.closeTo(x, 3));
    expect(frames).toHaveLength(50);
    expect(path).toHaveLength(2 * 51);
    expect(path.slice(0, 2)).toEqual(near(position));
    expect(path.slice(-2)).toEqual([...firstGoal.subarray(2 * i, 2 * i + 2)].map((x) => expect.closeTo(x, 1)));
    expect(marks.map(({ x, y }) => [x, y])).toEqual([near(firstGoal), near(secondGoal)]);
    expect(marks.map(({ radius }) => radius)).toEqual([0.05, 0.05]);
    for (const { crosses, map } of frames) {
      expect(crosses.map(({ x, y }) => [x, y])).toEqual([near(firstGoal)]);
      expect(map).toBeUndefined();
    }
    expect(note).toBe("Did not end at the second goal.");
  }
});

test("an implicit policy has the energies of all setpoints at each step, the right edge lowest", async () => {
  const { clips } = await figureOf("implicit");
  const { columns, rows, low, high, levels } = clips[0]!.frames[17]!.map!;
  const bytes = Buffer.from(levels, "base64");
  expect([columns, rows, bytes.length]).toEqual([40, 40, 1600]);
  // Cells' middles are half a cell from the edges: of 2 units across, a fortieth.
  expect([low, high].map((energy) => Number(energy.toFixed(4)))).toEqual([0.025, 1.975]);
  for (let row = 0; row < rows; row++) {
    const shares = Array.from(bytes.subarray(40 * row, 40 * row + 40), (byte) => byte / 255);
    expect(shares).toEqual(Array.from({ length: 40 }, (_, column) => expect.closeTo(1 - column / 39, 2)));
  }
});
