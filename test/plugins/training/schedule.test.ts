import { beforeAll, expect, test } from "vitest";
import { clockAtStart } from "../../../core/run.ts";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { schedule } from "../../../plugins/training/schedule/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

type Options = Parameters<typeof schedule>[0];
const rates = (options: Options, at: readonly number[], steps: number | null = 100): number[] => {
  const { assembly } = createBench(schedule(options), undefined, { settings: { steps } });
  return at.map((n) => assembly.scalarsAt({ ...clockAtStart, steps: n })["lr"]!);
};
const closeTo = (values: readonly number[]) => values.map((v) => expect.closeTo(v, 10));

test("the optimizer's rate, 0.1, is the peak: cosine goes from it to minLr over the run", () => {
  expect(rates({ kind: "cosine", minLr: 0.02 }, [0, 50, 100])).toEqual(closeTo([0.1, 0.06, 0.02]));
});

test("after a warm-up of 20 steps the cosine is half-way at step 60 of 100", () => {
  expect(rates({ kind: "cosine", warmupSteps: 20 }, [0, 20, 60, 100])).toEqual(closeTo([0.1 / 21, 0.1, 0.05, 0]));
});

test("linear, constant, exponential and piecewise", () => {
  expect(rates({ kind: "linear" }, [0, 25, 100])).toEqual(closeTo([0.1, 0.075, 0]));
  expect(rates({ kind: "constant" }, [0, 99])).toEqual([0.1, 0.1]);
  expect(rates({ kind: "exponential", decay: 0.99, every: 100 }, [10_000])).toEqual(closeTo([0.1 * 0.99 ** 100]));
  const steps: Options = { kind: "piecewise", boundaries: [50, 75], factors: [1, 0.1, 0.01] };
  expect(rates(steps, [0, 50, 75])).toEqual(closeTo([0.1, 0.01, 0.001]));
});

test("a length of its own replaces the run's", () => {
  expect(rates({ kind: "linear", steps: 50 }, [25, 50, 80], null)).toEqual(closeTo([0.05, 0, 0]));
});

test("the step is fed the scheduled rate", async () => {
  const bench = createBench(schedule({ kind: "piecewise", boundaries: [1], factors: [0, 1] }));
  await bench.step();
  expect(bench.state.params["w"]!.dataSync()[0]).toBe(3);
  await bench.step();
  expect(bench.state.params["w"]!.dataSync()[0]).toBeCloseTo(2.4, 5);
});

test.each([
  ["a cosine in a run without an end", { kind: "cosine" }, null, "set train.steps or schedule.steps"],
  ["minLr above the peak", { minLr: 0.2 }, 100, "0.2 is above the peak learning rate 0.1"],
  ["too few factors", { kind: "piecewise", boundaries: [5], factors: [1] }, 100, "one factor more than boundaries"],
  ["boundaries that fall", { kind: "piecewise", boundaries: [5, 5], factors: [1, 2, 3] }, 100, "they must increase"],
  ["a warm-up before a piecewise one", { kind: "piecewise", warmupSteps: 5 }, 100, "make it the first factor"],
] satisfies [string, Options, number | null, string][])("%s is refused", (_what, options, steps, problem) => {
  expect(() => rates(options, [], steps)).toThrow(problem);
});
