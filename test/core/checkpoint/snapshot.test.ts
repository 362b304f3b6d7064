import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { restore, snapshot } from "../../../core/checkpoint/snapshot.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import type { TrainState } from "../../../core/state.ts";

beforeAll(() => useBackend("cpu"));

const stateOf = (fill: number, slots: Record<string, number[]> = { "ema/params/w": [2] }): TrainState => ({
  params: { w: tf.fill([2], fill) },
  opt: { "m/w": tf.fill([2], fill / 2) },
  slots: Object.fromEntries(Object.entries(slots).map(([path, shape]) => [path, tf.fill(shape, fill / 4)])),
});
const values = (state: TrainState) =>
  [...Object.values(state.params), ...Object.values(state.opt), ...Object.values(state.slots)].map((t) => [
    ...t.dataSync(),
  ]);
const drop = (state: TrainState): void => tf.dispose([state.params, state.opt, state.slots] as tf.TensorContainer);

test("a state comes back as it was, and the fresh one it replaces is freed", () => {
  const before = tf.memory().numTensors;
  const saved = stateOf(8);
  const tensors = snapshot(saved);
  expect(Object.keys(tensors)).toEqual(["params/w", "opt/m/w", "slots/ema/params/w"]);
  drop(saved);
  const restored = restore(stateOf(0), tensors, "here");
  expect(values(restored)).toEqual([
    [8, 8],
    [4, 4],
    [2, 2],
  ]);
  drop(restored);
  expect(tf.memory().numTensors).toBe(before);
});

test("every tensor that differs is named, with both shapes", () => {
  const tensors = snapshot(stateOf(1));
  const other: TrainState = { ...stateOf(0), params: { w: tf.zeros([3]), b: tf.zeros([1]) } };
  expect(() => restore(other, tensors, "runs/a")).toThrow(
    /"runs\/a" does not fit[\s\S]*params\/w: float32 \[2\] in the checkpoint, float32 \[3\] in this run[\s\S]*params\/b: only in this run/,
  );
});

test("a plugin's state that this run does not take is an error naming it, unless it is dropped", () => {
  const tensors = snapshot(stateOf(1, { "ema/params/w": [2], "loss-scale/scale": [] }));
  expect(() => restore(stateOf(0), tensors, "runs/a")).toThrow('the plugin "loss-scale", which is not in this run');
  const restored = restore(stateOf(0), tensors, "runs/a", { drop: ["loss-scale"] });
  expect(Object.keys(restored.slots)).toEqual(["ema/params/w"]);
});

test("a plugin that is new to the run starts fresh, and is named", () => {
  const started: string[] = [];
  const fresh = stateOf(0, { "ema/params/w": [2], "loss-scale/scale": [] });
  const restored = restore(fresh, snapshot(stateOf(4)), "runs/a", { started: (plugin) => started.push(plugin) });
  expect(started).toEqual(["loss-scale"]);
  expect(restored.slots["loss-scale/scale"]!.dataSync()[0]).toBe(0);
  expect([...restored.slots["ema/params/w"]!.dataSync()]).toEqual([1, 1]);
});
