import { beforeAll, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { warmDecay } from "../../../plugins/training/ema/ema.ts";
import { ema } from "../../../plugins/training/ema/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

test("the decay warms up as (1 + t)/(10 + t) and stays at its limit", () => {
  expect([0, 1, 8, 90].map((t) => warmDecay(0.9, t))).toEqual([0.1, 2 / 11, 0.5, 0.9]);
  expect(warmDecay(0.9, 1e6)).toBe(0.9);
});

test("the average follows d·a + (1 − d)·w, and is what is evaluated", async () => {
  const bench = createBench(ema({ decay: 0.15 }));
  // w: 3 → 2.4 → 1.92; d: 0.1, then 0.15 (2/11 is more).
  await bench.steps(2);
  const afterOne = 0.1 * 3 + 0.9 * 2.4;
  const afterTwo = 0.15 * afterOne + 0.85 * 1.92;
  const evaluated = bench.assembly.evaluationParams(bench.state);
  expect(Object.keys(evaluated)).toEqual(["w"]);
  expect(evaluated["w"]!.dataSync()[0]).toBeCloseTo(afterTwo, 5);
  expect(bench.state.params["w"]!.dataSync()[0]).toBeCloseTo(1.92, 5);
});

test("before the first step the average is the parameters", () => {
  const bench = createBench(ema());
  expect(Array.from(bench.assembly.evaluationParams(bench.state)["w"]!.dataSync())).toEqual([3, 4]);
});
