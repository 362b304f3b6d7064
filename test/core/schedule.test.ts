import { expect, test } from "vitest";
import { constant, cosine, exponential, linear, piecewise } from "../../core/schedule.ts";

test("a warm-up rises in equal parts, moves at the first step and reaches 1 right after its last", () => {
  const rate = constant(4);
  expect([0, 1, 2, 3, 4, 100].map(rate)).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1]);
});

test("linear goes straight from 1 to the floor over the steps after the warm-up, and stays", () => {
  const rate = linear(110, 10, 0.2);
  expect([10, 35, 60, 110, 500].map(rate)).toEqual([1, 0.8, 0.6, expect.closeTo(0.2), expect.closeTo(0.2)]);
});

test("cosine is counted over (t − warm-up)/(T − warm-up): half-way at its middle", () => {
  const rate = cosine(110, 10, 0);
  expect(rate(10)).toBe(1);
  expect(rate(60)).toBeCloseTo(0.5, 12);
  // cos(π/3) = 1/2
  expect(rate(10 + 100 / 3)).toBeCloseTo(0.75, 12);
  expect(rate(110)).toBeCloseTo(0, 12);
  expect(rate(200)).toBeCloseTo(0, 12);
});

test("the cosine's floor is what it ends at", () => {
  expect(cosine(100, 0, 0.1)(50)).toBeCloseTo(0.55, 12);
  expect(cosine(100, 0, 0.1)(100)).toBeCloseTo(0.1, 12);
});

test("0.99 every 100 steps takes 1e-3 to 3.66e-4 in ten thousand", () => {
  expect(1e-3 * exponential(0.99, 100, false)(10_000)).toBeCloseTo(3.66e-4, 6);
  expect(exponential(0.99, 100, false)(50)).toBeCloseTo(Math.sqrt(0.99), 12);
});

test("the staircase holds between the jumps", () => {
  const rate = exponential(0.5, 10, true);
  expect([0, 9, 10, 19, 20].map(rate)).toEqual([1, 1, 0.5, 0.5, 0.25]);
});

test("piecewise changes at its boundaries, inclusive", () => {
  const rate = piecewise([10, 20], [1, 0.1, 0.01]);
  expect([0, 9, 10, 19, 20, 99].map(rate)).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01]);
});

test("a warm-up longer than the run gives finite rates", () => {
  const rate = cosine(10, 100, 0);
  expect([0, 9, 100, 101].map(rate).every((r) => r >= 0 && r <= 1)).toBe(true);
});
