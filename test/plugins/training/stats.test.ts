import { beforeAll, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";
import { stats } from "../../../plugins/training/stats/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

test("norms and the update ratio are recorded at every n-th step, with that step's number", async () => {
  const bench = createBench(stats({ every: 2 }));
  await bench.steps(5);
  expect(bench.metrics.map(({ step, name, split }) => `${step} ${split} ${name}`)).toEqual([
    "2 train train/grad_norm",
    "2 train train/param_norm",
    "2 train train/update_ratio",
    "4 train train/grad_norm",
    "4 train train/param_norm",
    "4 train train/update_ratio",
  ]);
});

test("at (3, 4) the gradient of ‖w‖² has norm 10, and a step of 0.1 of it changes a norm of 5 by a fifth", async () => {
  const bench = createBench(stats({ every: 1 }));
  await bench.step();
  const values = Object.fromEntries(bench.metrics.map((p) => [p.name, p.value]));
  expect(values["train/grad_norm"]).toBeCloseTo(10, 5);
  expect(values["train/param_norm"]).toBeCloseTo(5, 5);
  expect(values["train/update_ratio"]).toBeCloseTo(0.2, 5);
});

test("the gradient is measured before it is clipped, whatever the order of plugins", async () => {
  const bench = createBench([gradClip({ maxNorm: 1 }), stats({ every: 1 })]);
  await bench.step();
  const values = Object.fromEntries(bench.metrics.map((p) => [p.name, p.value]));
  expect(values["train/grad_norm"]).toBeCloseTo(10, 5);
  expect(values["train/update_ratio"]).toBeCloseTo(0.02, 5);
});

test("the steps in between run no kernel more than a run without it", async () => {
  const kernels = async (plugins: Parameters<typeof createBench>[0], steps: number) =>
    (await createBench(plugins).recordAt({ steps, skipped: 0, batches: 0, samples: 0, epochs: 0 })).recording.kernels;
  const without = await kernels([], 0);
  expect(await kernels(stats({ every: 500 }), 0)).toEqual(without);
  expect((await kernels(stats({ every: 500 }), 499)).length).toBeGreaterThan(without.length);
});
