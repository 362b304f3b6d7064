import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createGraphEngine } from "../../../core/engine/graph.ts";
import { tensorMemory } from "../../../core/engine/wasm-memory.ts";
import { openRuntime } from "../../../core/graph/runtime/runtime.ts";
import { createBench } from "../../../core/testing/bench.ts";
import { meanflow } from "../../../plugins/objectives/meanflow/index.ts";
import { ik } from "../../../plugins/tasks/ik/index.ts";
import { ema } from "../../../plugins/training/ema/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("three hundred steps allocate nothing that stays, in JavaScript, in tensors and in the wasm heap", async () => {
  await useBackend("wasm", { blas: false });
  const network = { width: 16, depth: 1, condition: 16 };
  const plugins = [ik({ network, validationPoses: 1 }), meanflow(), gradClip(), ema()];
  const engine = createGraphEngine(await openRuntime({ threads: 1 }));
  const bench = createBench(plugins, undefined, { engine, settings: { batchSize: 32 } });
  const held = () => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return {
      heap: heapUsed,
      arrays: arrayBuffers,
      tensors: tf.memory().numTensors,
      wasm: tensorMemory()!.memory.buffer.byteLength,
    };
  };
  await bench.steps(20);
  const before = held();
  await bench.steps(300);
  const after = held();
  await bench.dispose();
  expect(after.tensors).toBe(before.tensors);
  expect(after.wasm).toBe(before.wasm);
  // A batch of this size is 4 kB; what stayed of each step would be 300 times that.
  expect(after.heap - before.heap).toBeLessThan(500_000);
  expect(after.arrays - before.arrays).toBeLessThan(100_000);
});
