import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createDeviceEngine } from "../../../core/engine/device.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";
import { createPredictor } from "../../../core/engine/predictor.ts";
import { openRuntime } from "../../../core/graph/runtime/runtime.ts";
import type { Plugin } from "../../../core/plugin.ts";
import { createBench } from "../../../core/testing/index.ts";
import { onThree, openGraph, plugin } from "./engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const openDevice = async () => {
  const runtime = await openRuntime({ threads: 1 });
  return createDeviceEngine(runtime, createPredictor(runtime));
};

type Read = Record<string, number[]>;

/** Exposes gradients, parameters and the next state's average, and keeps what each step gave. */
function watching(read: Read[]): Plugin {
  return plugin("watching", ({ hooks }) => {
    hooks.afterBackward.tap("watching", (grads, step) => {
      for (const [path, grad] of Object.entries(grads)) step.expose(`grads/${path}`, grad);
      for (const [path, param] of Object.entries(step.params)) step.expose(`params/${path}`, param);
      return grads;
    });
    hooks.afterUpdate.tap("watching", (next, step) => {
      for (const [path, param] of Object.entries(next.params)) step.expose(`next/${path}`, param);
      step.expose("count", tf.tensor1d([1, 2, 3], "int32"));
      return next;
    });
    hooks.onStep.tap("watching", ({ readExposed }) => {
      read.push(Object.fromEntries(Object.entries(readExposed()).map(([name, values]) => [name, Array.from(values)])));
    });
  });
}

describe.each([
  ["eager", async () => createEagerEngine()],
  ["graph", () => openGraph()],
  ["device's", openDevice],
] as const)("on the %s engine", (_name, open) => {
  test("at (3, 4) the gradient of ‖w‖² is (6, 8), and a step of 0.1 of it leads to (2.4, 3.2)", async () => {
    const read: Read[] = [];
    const bench = createBench(watching(read), undefined, { engine: await open() });
    await bench.steps(2);
    await bench.dispose();
    expect(read[0]!["grads/w"]).toEqual([6, 8]);
    expect(read[0]!["params/w"]).toEqual([3, 4]);
    expect(read[0]!["next/w"]).toEqual([expect.closeTo(2.4, 6), expect.closeTo(3.2, 6)]);
    expect(read[0]!["count"]).toEqual([1, 2, 3]);
    // What one step exposed is where the next one starts.
    expect(read[1]!["params/w"]).toEqual(read[0]!["next/w"]);
  });

  test("over micro-batches the gradient is their mean, and every step's values are its own", async () => {
    const whole: Read[] = [];
    const split: Read[] = [];
    for (const [read, settings] of [
      [whole, { batchSize: 4 }],
      [split, { batchSize: 2, accumulate: 2 }],
    ] as const) {
      const { start, optimizer } = onThree();
      const engine = await open();
      const bench = createBench(watching(read), start(), { optimizer, engine, settings, targets: [1, -2, 0.5, 3] });
      await bench.steps(3);
      await bench.dispose();
    }
    for (const [i, values] of whole.entries()) {
      for (const [name, numbers] of Object.entries(values)) {
        expect(split[i]![name], name).toEqual(numbers.map((n) => expect.closeTo(n, 4)));
      }
    }
  });

  test("an update that is skipped leaves the state whole, and what was exposed can be read", async () => {
    const read: Read[] = [];
    const broken = plugin("broken", ({ hooks, scalar }) => {
      scalar("nan", ({ steps }) => (steps === 1 ? 0 : 1));
      hooks.afterBackward.tap("broken", (grads, step) => ({ w: tf.div(grads["w"]!, step.scalars["nan"]!) }));
    });
    const bench = createBench([broken, watching(read)], undefined, { engine: await open() });
    await bench.steps(3);
    await bench.dispose();
    expect(read.map((values) => values["params/w"])).toEqual([[3, 4], read[0]!["next/w"], read[0]!["next/w"]]);
    expect(read[1]!["grads/w"]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});

test("exposing in the first half of the step is refused, with the plugin's name", async () => {
  const early = plugin("early", ({ hooks }) => {
    hooks.beforeStep.tap("early", (batch, step) => {
      step.expose("batch", batch["target"]!);
      return batch;
    });
  });
  await expect(createBench(early).step()).rejects.toMatchObject({
    code: "MF_EXPOSE_EARLY",
    message: expect.stringContaining("(early, beforeStep)"),
  });
});
