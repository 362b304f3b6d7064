import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { inferenceToOnnx } from "../../../core/export/onnx.ts";
import { verify } from "../../../core/export/verify.ts";
import { openRuntime } from "../../../core/graph/runtime/runtime.ts";
import { predictWith, rowsFrom } from "../../../core/inference.ts";
import { createStream } from "../../../core/random.ts";
import type { Inference } from "../../../core/task.ts";
import { energyParams, energyTask } from "./energy-task.ts";

beforeAll(() => useBackend("cpu"));

const check = async (changed: Partial<Inference> = {}) => {
  const params = energyParams();
  const task = energyTask(changed);
  const { bytes } = inferenceToOnnx(task, params);
  return verify(bytes, await openRuntime({ threads: 1 }), task.inference, predictWith(task.inference, params));
};

test("the file computes what the model computes, whatever the batch", async () => {
  const found = await check();
  expect(found).toMatchObject({ rows: [1, 3, 64], runtime: expect.stringContaining("ONNX Runtime") });
  expect(found.maxRelative).toBeLessThan(1e-5);
});

test("inputs and outputs have their names, and rows do not depend on each other", async () => {
  const params = energyParams();
  const { inference } = energyTask();
  const runtime = await openRuntime({ threads: 1 });
  const session = await runtime.createSession(inferenceToOnnx(energyTask(), params).bytes, "it");
  expect(session.inputs).toEqual(["observation", "action", "mode"]);
  expect(session.outputs).toEqual(["energy"]);
  const examples = inference.examples(7);
  const { energy: all } = await session.run(examples);
  const { energy: one } = await session.run(rowsFrom(examples, 6, 1));
  expect(one!.data[0]).toBeCloseTo(all!.data[6] as number, 6);
  session.release();
});

test("a derivative inside the inference function is exported with it", async () => {
  const { inference } = energyTask();
  const { maxRelative } = await check({
    outputs: { slope: { shape: [2], description: "of the energy over the action" } },
    run(params, inputs, step) {
      const energy = (action: tf.Tensor) => tf.sum(inference.run(params, { ...inputs, action }, step)["energy"]!);
      return { slope: tf.grad(energy)(inputs["action"]!) };
    },
  });
  expect(maxRelative).toBeLessThan(1e-5);
});

test("loops and draws are exported with it: six steps that all rows share", async () => {
  const changed: Partial<Inference> = {
    run(_, { observation }, { random, repeat }) {
      const start = tf.add(observation!, random.uniform([1, 2], -1, 1));
      const end = repeat(6, { x: start }, ({ x }, i) => {
        const size = tf.gather(tf.tensor1d([6, 5, 4, 3, 2, 1]), i);
        return { x: tf.add(tf.mul(x!, 0.9), tf.mul(random.normal([2]), size)) };
      });
      return { energy: tf.sum(end["x"]!, 1) };
    },
    stream: () => createStream(3, "six steps"),
  };
  expect((await check(changed)).maxRelative).toBeLessThan(1e-5);
  expect(inferenceToOnnx(energyTask(changed), {}).histogram).toMatchObject({ Loop: 1 });
});

test("exporting leaves no tensors behind and the backend in place", async () => {
  const params = energyParams();
  const before = tf.memory().numTensors;
  inferenceToOnnx(energyTask(), params);
  await predictWith(energyTask().inference, params)(energyTask().inference.examples(2));
  expect(tf.memory().numTensors).toBe(before);
  expect(tf.getBackend()).toBe("cpu");
});

describe("what cannot be exported is refused by name", () => {
  test("a task without an inference function", () => {
    const { inference: _, ...task } = energyTask();
    expect(() => inferenceToOnnx(task, {})).toThrow('The task "energy" has no inference function');
  });

  test.each<[string, Inference["run"], RegExp]>([
    [
      "a value that is read",
      (_, { observation }) => ({ energy: tf.scalar(observation!.dataSync()[0]!) }),
      /"energy" cannot be written as ONNX: it reads the value.*\[MF_EXPORT_TRACE\]$/,
    ],
    [
      "an operation without a graph form",
      (_, { observation }) => ({ energy: tf.topk(observation!, 1).values }),
      /it uses TopK, which has no graph form\. \[MF_EXPORT_TRACE\]$/,
    ],
    [
      "a number that comes from the number of rows",
      (_, { observation }) => ({ energy: tf.div(tf.sum(observation!, 1), observation!.shape[0]!) }),
      /batch size.*\[MF_EXPORT_TRACE\]/,
    ],
  ])("%s", (_, run, message) => {
    expect(() => inferenceToOnnx(energyTask({ run }), energyParams())).toThrow(message);
  });

  test("a function that is not the same when it is traced", async () => {
    let calls = 0;
    const run: Inference["run"] = (_, { observation }) => ({
      energy: tf.add(tf.sum(observation!, 1), calls++ === 0 ? 1 : 1.01),
    });
    await expect(check({ run })).rejects.toThrow(
      /"energy" differs .* on 1 rows .*Nothing was written.*MF_EXPORT_DIFFERS/,
    );
  });
});
