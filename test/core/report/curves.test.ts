import { describe, expect, test } from "vitest";
import { curvesOf, joined, latest, smoothed, stagesOf, thinned } from "../../../core/report/curves.ts";
import { linearTicks, logTicks, tickLabel } from "../../../core/report/ticks.ts";

describe("curvesOf", () => {
  test("each metric is a curve of its own; the epoch is none", () => {
    const curves = curvesOf([
      { step: 1, epoch: 0, a: 5 },
      { step: 1, epoch: 0, b: 7 },
      { step: 2, epoch: 1, a: null },
    ]);
    expect(curves).toEqual({ a: { steps: [1, 2], values: [5, null] }, b: { steps: [1], values: [7] } });
    expect(latest(curves)).toEqual({ a: null, b: 7 });
  });

  test("a row of an earlier step, as after a resume, takes the place of what came from there on", () => {
    const rows = [10, 20, 30, 20, 30, 40].map((step, i) => ({ step, epoch: 0, loss: i }));
    expect(curvesOf(rows)["loss"]).toEqual({ steps: [10, 20, 30, 40], values: [0, 3, 4, 5] });
  });

  test("of both halves joined are those of all rows, wherever they are cut", () => {
    const rows = [1, 2, 3, 2, 3, 4, 5].map((step, i) => ({
      step,
      epoch: 0,
      a: i,
      ...(step % 2 === 0 ? { b: -i } : {}),
    }));
    for (let at = 0; at <= rows.length; at++) {
      expect(joined(curvesOf(rows.slice(0, at)), curvesOf(rows.slice(at)))).toEqual(curvesOf(rows));
    }
  });
});

test("a thinned curve keeps both ends and every extreme of a spiky curve", () => {
  const steps = Array.from({ length: 50_000 }, (_, i) => i + 1);
  const values = steps.map((step) => (step === 31_234 ? 99 : step === 7_777 ? -99 : Math.sin(step / 900)));
  const { steps: kept, values: shown } = thinned({ steps, values }, 1000);
  expect(kept.length).toBeLessThanOrEqual(1002);
  expect(kept).toEqual([...kept].sort((a, b) => a - b));
  expect([kept[0], kept.at(-1)]).toEqual([1, 50_000]);
  expect(shown[kept.indexOf(31_234)]).toBe(99);
  expect(shown[kept.indexOf(7_777)]).toBe(-99);
  expect(thinned({ steps, values }, 50_000).steps).toBe(steps);
});

describe("smoothed", () => {
  test("is the mean of all values so far, each weighing w times the next", () => {
    const values = [3, -1, 4, 1, 5];
    const weight = 0.8;
    const expected = values.map((_, n) => {
      const weights = values.slice(0, n + 1).map((_, i) => weight ** (n - i));
      const sum = weights.reduce((total, w, i) => total + w * values[i]!, 0);
      return sum / weights.reduce((a, b) => a + b);
    });
    smoothed(values, weight).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  });

  test("weight 0 changes nothing, and a gap stays a gap", () => {
    expect(smoothed([1, null, 3], 0)).toEqual([1, null, 3]);
    expect(smoothed([2, null, 2], 0.9).map((v) => v && Number(v.toFixed(9)))).toEqual([2, null, 2]);
  });
});

test("stages are the stretches of a metric named …/stage", () => {
  const rows = [1, 1, 1, 2, 2, 3].map((value, i) => ({ step: 10 * (i + 1), epoch: 0, "train/freerun/stage": value }));
  expect(stagesOf(curvesOf(rows))).toEqual([
    { from: 0, to: 30, label: "stage 1" },
    { from: 30, to: 50, label: "stage 2" },
    { from: 50, to: 60, label: "stage 3" },
  ]);
  expect(stagesOf(curvesOf([{ step: 1, epoch: 0, loss: 1 }]))).toEqual([]);
});

describe("ticks", () => {
  test("are round and inside", () => {
    expect(linearTicks(0, 1200, 6)).toEqual([0, 200, 400, 600, 800, 1000, 1200]);
    expect(linearTicks(-0.13, 0.41, 5)).toEqual([0, 0.2, 0.4]);
    expect(linearTicks(0.1, 0.3, 2)).toEqual([0.1, 0.2, 0.3]);
    expect(linearTicks(5, 5, 4)).toEqual([5]);
  });

  test("of a logarithm are powers of ten, or finer where these are few", () => {
    expect(logTicks(0.5e-3, 2)).toEqual([1e-3, 0.01, 0.1, 1]);
    expect(logTicks(0.9, 60)).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logTicks(4.1, 7.9)).toEqual([5, 6, 7]);
  });

  test("are written short", () => {
    expect([0, 12_000, 2_500_000, 1e-4, 0.05, -3].map(tickLabel)).toEqual(["0", "12k", "2.5M", "1e-4", "0.05", "-3"]);
  });
});
