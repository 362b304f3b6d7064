import { expect, test } from "vitest";
import { numberText, valueText } from "../../../../plugins/loggers/wandb/extended-json.ts";
import { createHistory, createRecorded, type Times } from "../../../../plugins/loggers/wandb/rows.ts";

const point = (step: number, name: string, value: number) => ({
  ...{ name, value, step, epoch: 2 },
  split: name.startsWith("val/") ? ("val" as const) : ("train" as const),
});
/** Step s is recorded s seconds after the start. */
const times: Times = { began_ms: 1_000_000, of: (step) => 1_000_000 + 1000 * step };
const fresh = () => createHistory({ step: -1, summary: new Map(), runtime_s: 0 }, times);

test("training and validation of one step share a row, which is complete when the next step has one", () => {
  const history = fresh();
  history.add([point(5, "train/loss", 1.5)]);
  const { complete, open } = history.take();
  expect(complete).toEqual([]);
  expect(open?.step).toBe(5);
  history.add([point(5, "val/loss", 2), point(6, "train/loss", 1)]);
  const [row] = history.take().complete;
  expect(Object.fromEntries(row!.values)).toEqual({
    ...{ _step: "5", _runtime: "5", _timestamp: "1005", epoch: "2", "train/loss": "1.5", "val/loss": "2" },
  });
  expect(history.take().complete).toEqual([]);
});

test("what comes late joins the open row, so that steps only grow", () => {
  const history = fresh();
  history.add([point(5, "train/loss", 1), point(6, "train/loss", 2)]);
  history.put(5, "val/paths", '"late"');
  const { complete, open } = history.take();
  expect(complete.map((row) => row.step)).toEqual([5]);
  expect(open).toMatchObject({ step: 6 });
  expect(open!.values.get("val/paths")).toBe('"late"');
});

test("a resumed history goes on after the last step, and its clock where it was", () => {
  const summary = new Map([["train/loss", "9"]]);
  const history = createHistory({ step: 7, summary, runtime_s: 100 }, times);
  history.add([point(7, "val/late", 3), point(8, "train/loss", 1)]);
  const { open } = history.take();
  expect(open!.step).toBe(8);
  expect(open!.values.get("_runtime")).toBe("107");
  expect(history.summary.get("train/loss")).toBe("1");
  expect(summary.get("train/loss")).toBe("9");
});

test("the summary is the latest of everything", () => {
  const history = fresh();
  history.add([point(1, "train/loss", 1), point(1, "val/loss", 4), point(2, "train/loss", 2)]);
  expect(Object.fromEntries(history.summary)).toMatchObject({ _step: "2", "train/loss": "2", "val/loss": "4" });
});

test("rows are counted when they are recorded", () => {
  let now = 10;
  const recorded = createRecorded(() => now);
  recorded.startWith(40);
  recorded.begin(20);
  for (const step of [20, 21, 21, 25, 24, 26]) {
    now += 10;
    recorded.see({ step });
  }
  expect(recorded.rows).toBe(43);
  expect([21, 25, 26].map((step) => recorded.times.of(step))).toEqual([30, 50, 70]);
});

test("a new run may record step 0", () => {
  const recorded = createRecorded(() => 0);
  recorded.begin(0);
  recorded.see({ step: 0 });
  recorded.see({ step: 1 });
  expect(recorded.rows).toBe(2);
});

test("numbers that JSON cannot say are written as W&B's clients write them", () => {
  // Of a record written by wandb 0.31: wandb.log({"n": float("nan"), "inf": float("inf")}).
  expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-7, -0.5].map(numberText)).toEqual([
    ...["NaN", "Infinity", "-Infinity", "1e-7", "-0.5"],
  ]);
  expect(valueText({ a: [1, Number.NaN, "x"], b: null, c: { d: true } })).toBe(
    '{"a":[1,NaN,"x"],"b":null,"c":{"d":true}}',
  );
});
