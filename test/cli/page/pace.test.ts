import { expect, test } from "vitest";
import { createPace } from "../../../cli/page/pace.ts";

let now = 0;
/** The pace as each step comes in at its second. */
const paces = (...news: readonly (readonly [seconds: number, step: number])[]): (number | null)[] => {
  const pace = createPace(() => now);
  return news.map(([seconds, step]) => {
    now = 1000 * seconds;
    return pace.at(step);
  });
};

test("is told from the third news on: what was there at first has no time", () => {
  expect(paces([0, 5000], [1, 5050], [3, 5150], [5, 5200])).toEqual([null, null, 50, 37.5]);
});

test("is that of the last forty news", () => {
  const slow = Array.from({ length: 50 }, (_, i) => [i, i] as const);
  const fast = Array.from({ length: 40 }, (_, i) => [50 + i, 100 * (i + 1)] as const);
  expect(paces(...slow, ...fast).at(-1)).toBeCloseTo(100, 9);
});

test("news without a step change nothing, and a run that goes back is measured anew", () => {
  expect(paces([0, 10], [1, 20], [2, 30], [9, 30])).toEqual([null, null, 10, 10]);
  expect(paces([0, 10], [1, 20], [2, 30], [3, 20], [4, 25])).toEqual([null, null, 10, null, 5]);
});
