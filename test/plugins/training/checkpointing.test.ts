import { beforeAll, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { checkpointing } from "../../../plugins/training/checkpointing/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

const best = { metric: "val/error_mm" };

test("a checkpoint is asked for on the interval", async () => {
  const bench = createBench(checkpointing({ every: "3 steps" }));
  await bench.steps(7);
  expect(bench.requests).toEqual(["checkpoint: interval", "checkpoint: interval"]);
});

test("each checkpoint says how many are kept", async () => {
  expect(await createBench(checkpointing({ keepLast: 5 })).checkpoint()).toEqual({ best: null, keepLast: 5 });
});

test("the best validation so far asks for a checkpoint, which it marks; a worse one does not", async () => {
  const bench = createBench(checkpointing({ best }));
  await bench.validate({ "val/error_mm": 8 });
  expect((await bench.checkpoint(["best"])).best).toEqual({ metric: "val/error_mm", value: 8 });
  await bench.validate({ "val/error_mm": 9 });
  expect((await bench.checkpoint(["interval"])).best).toBeNull();
  expect(bench.requests).toEqual(["checkpoint: best"]);
});

test("in mode max, higher is better", async () => {
  const bench = createBench(checkpointing({ best: { ...best, mode: "max" } }));
  for (const value of [1, 3, 2]) await bench.validate({ "val/error_mm": value });
  expect(bench.requests).toHaveLength(2);
  expect((await bench.checkpoint()).best?.value).toBe(3);
});

test("NaN is never the best, not even as the first", async () => {
  const bench = createBench(checkpointing({ best }));
  await bench.validate({ "val/error_mm": Number.NaN });
  expect(bench.requests).toEqual([]);
  await bench.validate({ "val/error_mm": 5 });
  expect((await bench.checkpoint()).best?.value).toBe(5);
});

test("without a metric there is no best", async () => {
  const bench = createBench(checkpointing());
  await bench.validate({ "val/error_mm": 1 });
  expect(bench.requests).toEqual([]);
});

test("a resumed run knows the best of the first", async () => {
  const first = createBench(checkpointing({ best }));
  await first.validate({ "val/error_mm": 5 });
  const second = createBench(checkpointing({ best }));
  second.load(first.save());
  await second.validate({ "val/error_mm": 6 });
  expect(second.requests).toEqual([]);
  await second.validate({ "val/error_mm": 4 });
  expect(second.requests).toEqual(["checkpoint: best"]);
});

test("a metric that no validation reports is told once, with the known ones", async () => {
  const bench = createBench(checkpointing({ best: { metric: "val/eror_mm" } }));
  for (let i = 0; i < 2; i++) await bench.validate({ "val/error_mm": 1 });
  expect(bench.messages).toEqual([
    'checkpointing marks no checkpoint as best: Unknown metric "val/eror_mm". Did you mean "val/error_mm"? [MF_UNKNOWN]',
  ]);
});

test("an interval that is none is refused where it is written", () => {
  expect(() => checkpointing({ every: "often" as never })).toThrow('checkpointing: option "every" is wrong');
});
