import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { createRate, formatDuration } from "../../../core/metrics/rate.ts";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { eta } from "../../../plugins/training/eta/index.ts";

beforeAll(async () => void (await useBackend("cpu")));
afterEach(() => vi.restoreAllMocks());

/** The wall clock shows half a second more each time it is read. */
function halfSecondSteps(): void {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    now += 500;
    return now;
  });
}

test("after the first hundred steps the rest is estimated, once", async () => {
  halfSecondSteps();
  const bench = createBench(eta(), undefined, { settings: { steps: 1000 } });
  await bench.steps(120);
  expect(bench.messages).toEqual(["About 7 min 30 s to go (2.0 steps/s)."]);
});

test("a run without an end has nothing to estimate", async () => {
  halfSecondSteps();
  const bench = createBench(eta({ after: 2 }), undefined, { settings: { steps: null } });
  await bench.steps(5);
  expect(bench.messages).toEqual([]);
});

test("a clock that stands still gives no estimate instead of a wrong one", async () => {
  vi.spyOn(performance, "now").mockReturnValue(1);
  const bench = createBench(eta({ after: 2 }));
  await bench.steps(3);
  expect(bench.messages).toEqual([]);
});

test("the rate is that of the last steps: a slow first one does not count for ever", () => {
  let now = 0;
  const rate = createRate(() => now);
  expect(rate.stepsPerSecond()).toBeNull();
  rate.tick();
  expect(rate.stepsPerSecond()).toBeNull();
  now = 60_000;
  for (let i = 0; i < 300; i++) {
    rate.tick();
    now += 100;
  }
  expect(rate.stepsPerSecond()).toBeCloseTo(10, 6);
});

test.each([
  [0.4, "0 s"],
  [59, "59 s"],
  [59.7, "1 min 00 s"],
  [185, "3 min 05 s"],
  [7620, "2 h 07 min"],
  [-5, "0 s"],
])("%s seconds are written %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
