import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { arrayDataset } from "../../../core/data/datasets.ts";
import { float32 } from "../../../core/data/host-tensor.ts";
import { adamW } from "../../../core/optimizer/adam.ts";
import { sgd } from "../../../core/optimizer/sgd.ts";
import { definePlugin, type Plugin } from "../../../core/plugin.ts";
import { toyTask, useBackend } from "../../../core/testing/index.ts";
import { meanflow } from "../../../plugins/objectives/meanflow/index.ts";
import { ik } from "../../../plugins/tasks/ik/index.ts";
import { ema } from "../../../plugins/training/ema/index.ts";
import { validationLoss } from "../../../plugins/training/validation-loss/index.ts";
import { openGraph, plugin } from "../../core/engine/engines.ts";
import { trainInMemory } from "../../support/loop.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

/** The toy task, drawn to zero, with held-out samples. */
const withHeldOut = (targets: readonly number[]): Plugin => {
  const toy = toyTask([0]);
  return definePlugin({
    name: toy.name,
    summary: toy.summary,
    options: toy.schema,
    provides: "task",
    setup: (context) =>
      toy.setup({
        ...context,
        task: (task) =>
          context.task({
            ...task,
            heldOut: () =>
              arrayDataset({ target: float32(Float32Array.from(targets), [targets.length]) }, { shuffle: false }),
          }),
      }),
  })();
};

const train = async (plugins: readonly Plugin[], steps: number, batchSize = 1) => {
  const { summary, points, warnings, free } = await trainInMemory(plugins, sgd({ lr: 0.1 }), {
    steps,
    batchSize,
    validate: "1 steps",
  });
  free();
  return { summary, points, warnings };
};

test("‖w − target‖² of the held-out samples is measured, not of those that are trained on", async () => {
  const { summary } = await train([withHeldOut([1, 3]), validationLoss({ batches: 2 })], 1);
  // A step of 0.1 on ‖w‖² leads from (3, 4) to (2.4, 3.2).
  const distance = (target: number) => (2.4 - target) ** 2 + (3.2 - target) ** 2;
  const expected = expect.closeTo((distance(1) + distance(3)) / 2, 4);
  expect(summary.metrics).toEqual({ "val/loss": expected, "val/loss/toy": expected });
});

test("of an average of the weights where they are averaged, and as hooks weigh the terms", async () => {
  const twice = plugin("twice", ({ hooks }) =>
    hooks.afterLoss.tap("twice", ({ toy }) => ({ toy: tf.mul(toy!, 2) as tf.Scalar })),
  );
  const { summary } = await train([withHeldOut([0]), twice, ema({ decay: 0.5 }), validationLoss()], 1);
  // Steps of 0.1 on 2‖w‖² lead to (1.8, 2.4); the average of the first step keeps a tenth: (1.92, 2.56).
  const [average, term] = [1.92 ** 2 + 2.56 ** 2, summary.metrics["val/loss/toy"]];
  expect(term).toBeCloseTo(average, 4);
  expect(summary.metrics["val/loss"]).toBeCloseTo(2 * average, 4);
});

test("a task without held-out data costs the measurement, not the run, and is named once", async () => {
  const { summary, warnings } = await train([toyTask([0]), validationLoss()], 3);
  expect(summary).toMatchObject({ outcome: "completed", metrics: {} });
  expect(warnings).toEqual([
    expect.stringMatching(/^validation-loss measures nothing: The task "toy" has no held-out data/),
  ]);
});

test("the loss of inverse kinematics on held-out pairs falls, whatever the engine, and leaves no tensor behind", async () => {
  const measure = async (engine: "eager" | "graph") => {
    const plugins = [ik({ network: { width: 32, depth: 2 }, validationPoses: 10 }), meanflow(), validationLoss()];
    const { points, free } = await trainInMemory(
      plugins,
      adamW({ lr: 3e-3 }),
      { steps: 60, batchSize: 64, validate: "30 steps" },
      ...(engine === "graph" ? [await openGraph()] : []),
    );
    free();
    return points.filter(({ name }) => name === "val/meanflow_residual").map(({ value }) => value);
  };
  const tensors = tf.memory().numTensors;
  const [first, last] = await measure("eager");
  expect(tf.memory().numTensors).toBe(tensors);
  expect(last!).toBeLessThan(first!);
  expect(await measure("graph")).toEqual([expect.closeTo(first!, 3), expect.closeTo(last!, 3)]);
});
