import { describe, expect, test } from "vitest";
import { permutation } from "../../../core/data/permutation.ts";

const all = (n: number, seed: number, epoch: number): number[] =>
  Array.from({ length: n }, (_, i) => permutation(n, seed, epoch)(i));

describe("permutation", () => {
  test("every length to 300, and some beyond, meets each index once", () => {
    for (const n of [...Array.from({ length: 300 }, (_, i) => i + 1), 1000, 1024, 4097, 65537]) {
      const order = permutation(n, 7, n);
      const seen = new Uint8Array(n);
      for (let i = 0; i < n; i++) seen[order(i)]!++;
      expect(
        seen.every((times) => times === 1),
        `n = ${n}`,
      ).toBe(true);
    }
  });

  test("seed, epoch and name each change the order, and nothing else does", () => {
    expect(all(50, 1, 2)).toEqual(all(50, 1, 2));
    expect(all(50, 1, 2)).not.toEqual(all(50, 1, 3));
    expect(all(50, 1, 2)).not.toEqual(all(50, 2, 2));
    expect(permutation(1000, 1, 2, "blocks")(5)).not.toBe(permutation(1000, 1, 2)(5));
  });

  test("any element of ten billion is found at once", () => {
    const order = permutation(1e10, 0, 0);
    const values = Array.from({ length: 1000 }, (_, i) => order(1e10 - 1 - i));
    expect(new Set(values).size).toBe(1000);
    expect(Math.max(...values)).toBeLessThan(1e10);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  });

  test("over many epochs each element is as often first as any other", () => {
    for (const n of [5, 10, 37]) {
      const epochs = n * 400;
      const first = new Float64Array(n);
      for (let epoch = 0; epoch < epochs; epoch++) first[permutation(n, 3, epoch)(0)]!++;
      // χ² with n − 1 degrees of freedom: mean n − 1, deviation √(2(n − 1)).
      const chi2 = first.reduce((sum, times) => sum + (times - 400) ** 2 / 400, 0);
      expect(chi2, `n = ${n}`).toBeLessThan(n - 1 + 5 * Math.sqrt(2 * (n - 1)));
    }
  });

  test("neighbours do not stay neighbours", () => {
    const n = 10_000;
    const order = all(n, 0, 0);
    const adjacent = order.filter((value, i) => i > 0 && Math.abs(value - order[i - 1]!) === 1).length;
    // A random order has two such pairs on average.
    expect(adjacent).toBeLessThan(12);
    const drift = order.reduce((sum, value, i) => sum + (value - n / 2) * (i - n / 2), 0) / (n ** 3 / 12);
    expect(Math.abs(drift)).toBeLessThan(0.05);
  });
});
