import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { meanflow } from "../../../plugins/objectives/meanflow/index.ts";
import { throughput } from "../../../plugins/training/throughput/index.ts";
import { gaussianTask } from "../../support/gaussian-task.ts";

beforeAll(async () => void (await useBackend("cpu")));
afterEach(() => vi.restoreAllMocks());

/** A wall clock and a processor's that stand still between ticks. */
function clocks() {
  let [now, cpu] = [1000, 0];
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.spyOn(process, "cpuUsage").mockImplementation((before) => ({ user: cpu - (before?.user ?? 0), system: 0 }));
  return (seconds: number, cores = 1): void => {
    now += 1000 * seconds;
    cpu += 1e6 * seconds * cores;
  };
}

const recorded = ({ metrics }: ReturnType<typeof createBench>, name: string): number[] =>
  metrics.filter((point) => point.name === `system/${name}`).map(({ value }) => value);

test("is the rate of the steps alone: the first, validations and checkpoints do not count", async () => {
  const tick = clocks();
  const plugins = [throughput({ every: "4 steps" }), meanflow(), gaussianTask()];
  const bench = createBench(plugins, undefined, { settings: { batchSize: 2, accumulate: 3 } });
  tick(60);
  await bench.step();
  for (let i = 0; i < 3; i++) {
    tick(0.5);
    await bench.step();
  }
  for (let i = 0; i < 4; i++) {
    if (i === 1) await bench.validate({});
    if (i === 2) await bench.checkpoint();
    tick(i === 0 || i === 3 ? 0.25 : 100);
    await bench.step();
  }
  expect(recorded(bench, "steps_per_second")).toEqual([2, 4]);
  expect(recorded(bench, "samples_per_second")).toEqual([12, 24]);
  expect(bench.metrics.every(({ split, step }) => split === "system" && step % 4 === 0)).toBe(true);
});

test("cores are processor time by wall time, since they were last recorded", async () => {
  const tick = clocks();
  const bench = createBench(throughput({ every: "1 steps" }));
  tick(2, 1.5);
  await bench.step();
  tick(4, 0.25);
  await bench.step();
  expect(recorded(bench, "busy_cores")).toEqual([1.5, 0.25]);
  // After one step there is no rate yet.
  expect(recorded(bench, "steps_per_second")).toEqual([0.25]);
});

test("memory is that of the process, which grows by what it holds", async () => {
  const bench = createBench(throughput({ every: "1 steps" }));
  await bench.step();
  const held = Buffer.alloc(200 * 2 ** 20, 1);
  await bench.step();
  const [before, after] = recorded(bench, "memory_mib");
  expect(after! - before!).toBeGreaterThan(100);
  expect(held.at(-1)).toBe(1);
});
