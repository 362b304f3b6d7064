import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import type { WasmBackend } from "../../../core/engine/wasm-heap.ts";
import { tensorMemory } from "../../../core/engine/wasm-memory.ts";
import type { Plugin } from "../../../core/plugin.ts";
import { createBench } from "../../../core/testing/index.ts";
import { mapTree } from "../../../core/tree.ts";
import { ema } from "../../../plugins/training/ema/index.ts";
import { everything, expectBothAlike, onThree, openGraph, plugin, trained, valuesOf } from "./engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const heap = () => tensorMemory()!.memory.buffer;

// First, while the heap is small.
test("gradients are lent although making them a tensor grows the heap", async () => {
  // As large as the heap: each further copy makes it grow.
  const count = heap().byteLength / 4;
  const doubled = (): Plugin =>
    plugin("doubled", ({ hooks }) =>
      hooks.exchangeGradients.tapPromise("doubled", async (grads) => mapTree((g) => tf.mul(g, 2), grads)),
    );
  const start = () => ({ w: tf.fill([count], 2) });
  const before = heap();
  const { state } = await trained(await openGraph(), doubled, 1, { start, targets: [1] });
  expect(before.byteLength).toBe(0);
  // w − 0.1·2·2·(w − 1)
  expect(new Set(state["params/w"])).toEqual(new Set([Math.fround(1.6)]));
});

/** Makes tensors until the heap has grown; returns how to free them. */
function grow(): () => void {
  const before = heap();
  const tensors: tf.Tensor[] = [];
  while (heap() === before) tensors.push(tf.zeros([1 << 22]));
  return () => tf.dispose(tensors);
}

test.each(["node", "c"] as const)("the heap may grow between the steps of the interface %s", async (api) => {
  for (const accumulate of [1, 2]) {
    const still = await trained(await openGraph(api), everything, 4, onThree(accumulate));
    const frees: (() => void)[] = [];
    const growing = (): Plugin[] => [
      ...everything(),
      plugin("growing", ({ hooks }) => hooks.onStep.tap("growing", () => void frees.push(grow()))),
    ];
    const before = heap();
    const grown = await trained(await openGraph(api), growing, 4, onThree(accumulate));
    for (const free of frees) free();
    expect(before.byteLength).toBe(0);
    expect(grown).toEqual(still);
  }
});

test("a clone that somebody keeps is left alone", async () => {
  const { start, ...options } = onThree();
  const bench = createBench(ema(), start(), { ...options, targets: [1, -2], engine: await openGraph() });
  await bench.steps(2);
  const clones = mapTree((t) => tf.clone(t), { ...bench.state.params, ...bench.state.slots });
  const values = mapTree((t) => Array.from(t.dataSync()), clones);
  await bench.steps(2);
  expect(mapTree((t) => Array.from(t.dataSync()), clones)).toEqual(values);
  const after = valuesOf(bench);
  await bench.dispose();
  tf.dispose(clones);
  const undisturbed = await trained(await openGraph(), () => ema(), 4, { ...onThree(), targets: [1, -2] });
  expect(after).toEqual(undisturbed.state);
});

test("everything is given back", async () => {
  const run = async () => {
    const make = () => [
      ...everything(),
      // A program for each step.
      plugin("steps", ({ hooks, fixed }) => {
        const now = fixed("steps", ({ steps }) => steps);
        hooks.afterBackward.tap("steps", (grads) => mapTree((g) => tf.mul(g, 1 + now()), grads));
      }),
    ];
    await trained(await openGraph(), make, 7, onThree(2));
  };
  await run();
  const [tensors, bytes] = [tf.memory().numTensors, heap().byteLength];
  const { wasm } = tf.backend() as unknown as WasmBackend;
  const next = (): number => {
    const address = wasm._malloc(64);
    wasm._free(address);
    return address;
  };
  const address = next();
  for (let i = 0; i < 3; i++) await run();
  expect([tf.memory().numTensors, heap().byteLength, next()]).toEqual([tensors, bytes, address]);
});

test("the state may lie above 2 GB", async () => {
  // Taken and never touched, so that it costs addresses only: whatever is asked for next lies above.
  const { wasm } = tf.backend() as unknown as WasmBackend;
  const taken: number[] = [];
  for (const bytes of [2 ** 26, 2 ** 22, 2 ** 18, 2 ** 14, 2 ** 10, 2 ** 6, 8]) {
    for (let end = 0; end < 2 ** 31; ) {
      taken.push(wasm._malloc(bytes) >>> 0);
      end = taken.at(-1)!;
    }
  }
  try {
    const block = tensorMemory()!.allocate(4);
    expect(block.address).toBeGreaterThan(2 ** 31);
    block.free();
    for (const accumulate of [1, 2]) await expectBothAlike(everything, 3, onThree(accumulate));
  } finally {
    for (const address of taken) wasm._free(address);
  }
});
