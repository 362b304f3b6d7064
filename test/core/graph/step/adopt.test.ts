import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { disposeState } from "../../../../core/engine/eager.ts";
import { tensorMemory } from "../../../../core/engine/wasm-memory.ts";
import { adopt, leavesOf, placesOf } from "../../../../core/graph/step/adopt.ts";
import { createBuffers } from "../../../../core/graph/step/buffers.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

test("a state's tensors lie at addresses of their own, and those that shared are copied", () => {
  const memory = tensorMemory()!;
  const before = tf.memory().numTensors;
  const w = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const alone = tf.scalar(7, "int32");
  const state = { params: { w }, opt: { count: alone }, slots: { "ema/w": tf.clone(w), "flat/w": tf.reshape(w, [4]) } };
  const own = adopt(state, memory);
  expect(own.opt["count"]).toBe(alone);
  const places = placesOf(own, memory);
  expect(Object.keys(places)).toEqual(["params/w", "opt/count", "slots/ema/w", "slots/flat/w"]);
  expect(places["opt/count"]).toMatchObject({ dtype: "int32", shape: [] });
  expect(new Set(Object.values(places).map(({ address }) => address)).size).toBe(4);
  for (const [path, tensor] of Object.entries(leavesOf(own))) {
    const { address } = places[path]!;
    const View = tensor.dtype === "int32" ? Int32Array : Float32Array;
    expect(new View(memory.memory.buffer, address, tensor.size)).toEqual(tensor.dataSync());
  }
  expect(tf.memory().numTensors).toBe(before + 4);
  disposeState(own);
  expect(tf.memory().numTensors).toBe(before);
});

test("a state that another backend made is brought over", async () => {
  await useBackend("cpu");
  const w = tf.tensor1d([1, 2]);
  await useBackend("wasm", { blas: false });
  const memory = tensorMemory()!;
  const own = adopt({ params: { w }, opt: {}, slots: {} }, memory);
  const { address } = placesOf(own, memory)["params/w"]!;
  expect(Array.from(new Float32Array(memory.memory.buffer, address, 2))).toEqual([1, 2]);
  disposeState(own);
});

test("buffers are zeroed, aligned, known by name, and outlive the heap's growth", () => {
  const memory = tensorMemory()!;
  const buffers = createBuffers(memory);
  const a = buffers.reserve("a", { shape: [3], dtype: "float32" });
  const b = buffers.reserve("b", { shape: [2, 2], dtype: "int32" });
  const c = buffers.reserve("c", { shape: [5], dtype: "bool" });
  expect(buffers.reserve("a", { shape: [3], dtype: "float32" })).toBe(a);
  expect([a, b, c].map(({ address }) => address % 64)).toEqual([0, 0, 0]);
  expect([buffers.view("a"), buffers.view("b"), buffers.view("c")]).toEqual([
    new Float32Array(3),
    new Int32Array(4),
    new Uint8Array(5),
  ]);
  buffers.view("a").set([1, 2, 3]);
  const old = memory.memory.buffer;
  const block = memory.allocate(old.byteLength);
  expect(old.byteLength).toBe(0);
  expect(Array.from(buffers.view("a"))).toEqual([1, 2, 3]);
  block.free();
  buffers.dispose();
  const again = buffers.reserve("a", { shape: [3], dtype: "float32" });
  expect([again.address, Array.from(buffers.view("a"))]).toEqual([a.address, [0, 0, 0]]);
  buffers.dispose();
});
