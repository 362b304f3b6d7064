import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { fastTransposedMatMul, setFastTransposedMatMul } from "../../../core/autodiff/gradients.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { spread, worstError } from "./finite-differences.ts";

const flags = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

/** dA and dB of Σ W∘(op(A)·op(B)) by the definition, in float64. `batch` matrices; a batch of 1 is shared. */
function expected(a: number[][][], b: number[][][], w: number[][][], transposeA: boolean, transposeB: boolean) {
  const zeros = (x: number[][][]) => x.map((matrix) => matrix.map((line) => line.map(() => 0)));
  const dA = zeros(a);
  const dB = zeros(b);
  w.forEach((matrix, n) => {
    const [i, j] = [a.length === 1 ? 0 : n, b.length === 1 ? 0 : n];
    matrix.forEach((line, row) => {
      line.forEach((weight, column) => {
        const inner = transposeA ? a[i]!.length : a[i]![0]!.length;
        for (let k = 0; k < inner; k++) {
          const [ar, ac] = transposeA ? [k, row] : [row, k];
          const [br, bc] = transposeB ? [column, k] : [k, column];
          dA[i]![ar]![ac]! += weight * b[j]![br]![bc]!;
          dB[j]![br]![bc]! += weight * a[i]![ar]![ac]!;
        }
      });
    });
  });
  return { dA: dA.flat(2), dB: dB.flat(2) };
}

const [M, K, N] = [3, 4, 2];
const asBatch = (x: Tensor): number[][][] =>
  tf.reshape(x, [-1, x.shape[x.rank - 2]!, x.shape[x.rank - 1]!]).arraySync() as number[][][];

/** Runs the gradient of matMul for batch shapes `[...batchA]`, `[...batchB]` and compares. */
function check(batchA: number[], batchB: number[], { transposeA, transposeB }: (typeof flags)[number]): void {
  const shapeA = [...batchA, ...(transposeA ? [K, M] : [M, K])];
  const shapeB = [...batchB, ...(transposeB ? [N, K] : [K, N])];
  const a = tf.tensor(spread(tf.util.sizeFromShape(shapeA), -1, 1), shapeA);
  const b = tf.tensor(spread(tf.util.sizeFromShape(shapeB), -1, 1, 0.3), shapeB);
  const y = tf.matMul(a, b, transposeA, transposeB);
  const w = tf.tensor(spread(y.size, -1, 1, 0.6), y.shape);
  const [dA, dB] = tf.grads((p: Tensor, q: Tensor) => tf.matMul(p, q, transposeA, transposeB))([a, b], w);
  const exact = expected(asBatch(a), asBatch(b), asBatch(w), transposeA, transposeB);
  expect(dA!.shape).toEqual(shapeA);
  expect(dB!.shape).toEqual(shapeB);
  expect(worstError(dA!.dataSync(), exact.dA)).toBeLessThan(1e-5);
  expect(worstError(dB!.dataSync(), exact.dB)).toBeLessThan(1e-5);
}

describe.each([
  { backend: "cpu", fast: true },
  { backend: "wasm", fast: false },
  { backend: "wasm", fast: true },
] as const)("on $backend, fast transposes $fast", ({ backend, fast }) => {
  beforeEach(async () => {
    await useBackend(backend, { blas: false });
    setFastTransposedMatMul(fast);
  });
  afterAll(() => setFastTransposedMatMul(false));

  describe.each(flags)("transposeA $transposeA, transposeB $transposeB", (flag) => {
    test("two matrices", () => check([], [], flag));
    test("two batches", () => check([5], [5], flag));
    test("one left matrix for a batch", () => check([1], [5], flag));
    test("one right matrix for a batch", () => check([5], [1], flag));
    test("a right operand without batch axis", () => check([5], [], flag));
    test("a left operand without batch axis", () => check([], [5], flag));
  });

  test("a second derivative through two layers agrees with finite differences", () => {
    const x = tf.tensor2d(spread(6, -1, 1), [3, 2]);
    const w1 = tf.tensor2d(spread(8, -1, 1, 0.2), [2, 4]);
    const w2 = tf.tensor2d(spread(4, -1, 1, 0.7), [4, 1]);
    const penalty = (w: Tensor) =>
      tf.sum(tf.square(tf.grad((v: Tensor) => tf.sum(tf.matMul(tf.tanh(tf.matMul(v, w)), w2)))(x)));
    const gradient = tf.grad(penalty)(w1).arraySync() as number[][];
    const nudged = (h: number) => penalty(tf.add(w1, tf.tensor2d([0, 0, 0, 0, 0, h, 0, 0], [2, 4]))).dataSync()[0]!;
    expect(gradient[1]![1]).toBeCloseTo((nudged(0.01) - nudged(-0.01)) / 0.02, 3);
  });
});

test("on wasm no product of the backward pass has a transposed operand, unless transposes are fast", async () => {
  await useBackend("wasm", { blas: false });
  const seen: boolean[] = [];
  const stock = tf.getKernel(tf.BatchMatMul, "wasm");
  tf.unregisterKernel(tf.BatchMatMul, "wasm");
  tf.registerKernel({
    ...stock,
    kernelFunc: (call) => {
      const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs;
      seen.push(transposeA || transposeB);
      return stock.kernelFunc(call);
    },
  });
  try {
    const a = tf.ones([M, K]);
    const b = tf.ones([K, N]);
    const backward = () => {
      seen.length = 0;
      tf.grads((p: Tensor, q: Tensor) => tf.matMul(p, q))([a, b]);
      return [...seen];
    };
    setFastTransposedMatMul(false);
    expect(fastTransposedMatMul()).toBe(false);
    expect(backward()).toEqual([false, false, false]);
    setFastTransposedMatMul(true);
    expect(backward()).toEqual([false, true, true]);
  } finally {
    tf.unregisterKernel(tf.BatchMatMul, "wasm");
    tf.registerKernel(stock);
    setFastTransposedMatMul(false);
  }
});

test("the gradient leaks no tensor", async () => {
  await useBackend("wasm", { blas: false });
  const a = tf.ones([5, M, K]);
  const b = tf.ones([K, N]);
  const before = tf.memory().numTensors;
  for (const gradient of tf.grads((p: Tensor, q: Tensor) => tf.matMul(p, q))([a, b])) gradient.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
