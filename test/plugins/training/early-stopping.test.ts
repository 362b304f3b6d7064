import { beforeAll, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { earlyStopping } from "../../../plugins/training/early-stopping/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

/** What was asked for after each of these values of `val/loss`. */
async function requestsAfter(values: readonly number[], options: Parameters<typeof earlyStopping>[0]) {
  const bench = createBench(earlyStopping(options));
  const counts: number[] = [];
  for (const value of values) {
    await bench.validate({ "val/loss": value });
    counts.push(bench.requests.length);
  }
  return counts;
}

test("a run stops after `patience` validations without improvement, counted anew from each improvement", async () => {
  expect(await requestsAfter([5, 6, 4, 4, 4], { patience: 2 })).toEqual([0, 0, 0, 0, 1]);
});

test("the reason names the metric and the patience", async () => {
  const bench = createBench(earlyStopping({ patience: 1 }));
  await bench.validate({ "val/loss": 1 });
  await bench.validate({ "val/loss": 2 });
  expect(bench.requests).toEqual(["stop: val/loss has not improved for 1 validations"]);
});

test("in mode max, higher is better", async () => {
  expect(await requestsAfter([1, 2, 3, 2, 1], { mode: "max", patience: 2 })).toEqual([0, 0, 0, 0, 1]);
});

test("an improvement of minDelta or less is none", async () => {
  expect(await requestsAfter([1, 0.75, 0.5], { minDelta: 0.5, patience: 2 })).toEqual([0, 0, 1]);
});

test("NaN is no improvement, and does not stand in the way of the next one", async () => {
  expect(await requestsAfter([Number.NaN, Number.NaN, 3, 2, 1], { patience: 3 })).toEqual([0, 0, 0, 0, 0]);
  expect(await requestsAfter([Number.NaN, Number.NaN], { patience: 2 })).toEqual([0, 1]);
});

test("what was waited for survives a checkpoint", async () => {
  const first = createBench(earlyStopping({ patience: 2 }));
  await first.validate({ "val/loss": 1 });
  await first.validate({ "val/loss": 2 });
  const second = createBench(earlyStopping({ patience: 2 }));
  second.load(first.save());
  await second.validate({ "val/loss": 2 });
  expect(second.requests).toHaveLength(1);
});

test("a metric that no validation reports is told once, with the known ones, and stops nothing", async () => {
  const bench = createBench(earlyStopping({ metric: "val/position_eror_mm", patience: 1 }));
  for (let i = 0; i < 3; i++) await bench.validate({ "val/loss": 1, "val/position_error_mm": 2 });
  expect(bench.requests).toEqual([]);
  expect(bench.messages).toEqual([
    'early-stopping never stops this run: Unknown metric "val/position_eror_mm". Did you mean "val/position_error_mm"? [MF_UNKNOWN]',
  ]);
});
