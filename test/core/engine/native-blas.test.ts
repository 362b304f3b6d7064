import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test as vitest } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createStream } from "../../../core/random.ts";

const { blas } = await useBackend("wasm");
const why = blas === null ? " (skipped: koffi or OpenBLAS is not installed, or MF_BLAS=off)" : "";
const test = (title: string, body: () => Promise<void>) => vitest.skipIf(blas === null)(title + why, body);

const normals = (shape: number[], name: string): tf.Tensor =>
  tf.tensor(Float32Array.from(createStream(1, name, 0).normals(tf.util.sizeFromShape(shape))), shape);

/** max |x − y| over max |y|. */
function relativeError(x: ArrayLike<number>, y: ArrayLike<number>): number {
  expect(x.length).toBe(y.length);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < y.length; i++) {
    difference = Math.max(difference, Math.abs(x[i]! - y[i]!));
    scale = Math.max(scale, Math.abs(y[i]!));
  }
  return difference / (scale || 1);
}

/** The value of `compute` on the cpu backend, and on wasm with BLAS. */
async function both(compute: () => tf.Tensor): Promise<{ cpu: tf.TypedArray; blas: tf.TypedArray; shape: number[] }> {
  const value = (): [tf.TypedArray, number[]] => {
    const result = tf.tidy(compute);
    const data = result.dataSync();
    result.dispose();
    return [data, result.shape];
  };
  await useBackend("cpu");
  const [cpu, cpuShape] = value();
  await useBackend("wasm");
  const [onBlas, shape] = value();
  expect(shape).toEqual(cpuShape);
  return { cpu, blas: onBlas, shape };
}

afterEach(async () => {
  await useBackend("wasm");
});

test("products with every transposition equal the cpu backend's to 1e-6", async () => {
  for (const transposeA of [false, true])
    for (const transposeB of [false, true]) {
      const result = await both(() =>
        tf.matMul(
          normals(transposeA ? [70, 33] : [33, 70], "a"),
          normals(transposeB ? [51, 70] : [70, 51], "b"),
          transposeA,
          transposeB,
        ),
      );
      expect(result.shape).toEqual([33, 51]);
      expect(relativeError(result.blas, result.cpu)).toBeLessThan(1e-6);
    }
});

test("batches equal the cpu backend's, small and large, broadcast over any axis and transposed", async () => {
  const cases: [number[], number[], boolean, boolean][] = [
    [[5, 8, 16], [5, 16, 9], false, false],
    [[5, 8, 16], [16, 9], false, false],
    [[5, 8, 16], [1, 16, 9], false, false],
    [[8, 16], [5, 16, 9], false, false],
    [[5, 16, 8], [16, 9], true, false],
    [[5, 8, 16], [5, 9, 16], false, true],
    [[7, 3, 3], [7, 3, 3], false, true],
    [[7, 3, 3], [3, 1], true, false],
    [[1, 2, 3], [4, 3, 2], true, true],
  ];
  for (const [a, b, transposeA, transposeB] of cases) {
    const result = await both(() => tf.matMul(normals(a, "a"), normals(b, "b"), transposeA, transposeB));
    expect(relativeError(result.blas, result.cpu), `[${a}] by [${b}]`).toBeLessThan(1e-6);
  }
});

test("batch axes that broadcast both ways equal the product of tiled operands (tfjs itself gets these wrong)", async () => {
  for (const [m, k, n] of [
    [8, 16, 9],
    [3, 3, 2],
  ] as const) {
    const tiled = await both(() =>
      tf.matMul(tf.tile(normals([2, 1, m, k], "a"), [1, 3, 1, 1]), tf.tile(normals([1, 3, k, n], "b"), [2, 1, 1, 1])),
    );
    await useBackend("wasm");
    const product = tf.tidy(() => tf.matMul(normals([2, 1, m, k], "a"), normals([3, k, n], "b")));
    expect(product.shape).toEqual([2, 3, m, n]);
    expect(relativeError(product.dataSync(), tiled.cpu)).toBeLessThan(1e-6);
    product.dispose();
  }
});

test("products over no elements are zero, and of no rows empty", async () => {
  expect((await both(() => tf.matMul(tf.ones([2, 0]), tf.ones([0, 3])))).blas).toEqual(new Float32Array(6));
  expect((await both(() => tf.matMul(tf.ones([0, 2]), tf.ones([2, 3])))).shape).toEqual([0, 3]);
});

test("a fused product with bias equals the separate one, with an activation too", async () => {
  for (const activation of ["linear", "relu"] as const) {
    const result = await both(() =>
      tf.fused.matMul({
        a: normals([33, 70], "a"),
        b: normals([70, 51], "b"),
        bias: normals([51], "bias"),
        activation,
      }),
    );
    expect(relativeError(result.blas, result.cpu)).toBeLessThan(1e-6);
  }
});

test("first and second gradients equal the cpu backend's", async () => {
  const energy = (x: tf.Tensor) =>
    tf.sum(tf.square(tf.matMul(tf.sigmoid(tf.matMul(x, normals([16, 24], "w"))), normals([24, 1], "v"))));
  const first = await both(() => tf.grad(energy)(normals([12, 16], "x")));
  expect(relativeError(first.blas, first.cpu)).toBeLessThan(2e-6);
  const second = await both(() => tf.grad((x) => tf.sum(tf.square(tf.grad(energy)(x))))(normals([12, 16], "x")));
  expect(relativeError(second.blas, second.cpu)).toBeLessThan(2e-6);
});

test("a product stays right when its result makes the wasm heap grow", async () => {
  await useBackend("wasm");
  const heap = () => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
  const before = heap();
  const column = tf.fill([1024, 1], 2);
  const row = tf.fill([1, 1024], 3);
  const kept: tf.Tensor[] = [];
  while (heap() === before && kept.length < 512) kept.push(tf.matMul(column, row));
  expect(heap()).toBeGreaterThan(before);
  expect(
    kept
      .at(-1)!
      .dataSync()
      .every((value) => value === 6),
  ).toBe(true);
  tf.dispose([column, row, kept]);
});

test("products repeat bit for bit, wherever in memory their operands lie", async () => {
  await useBackend("wasm", { threads: 2 });
  const [a, b] = [normals([200, 300], "a"), normals([100, 300], "b")];
  const product = (padding: number): string =>
    tf.tidy(() => {
      tf.zeros([padding]);
      const bits = tf.matMul(tf.add(a, 0), tf.add(b, 0), false, true).dataSync().buffer;
      return Buffer.from(bits).toString("base64");
    });
  const first = product(1);
  for (const padding of [2, 3, 5, 17, 1001, 4099]) expect(product(padding) === first).toBe(true);
  tf.dispose([a, b]);
});

test("products and their gradients leave no tensor and no backend memory behind", async () => {
  await useBackend("wasm");
  const run = () =>
    tf.tidy(() => {
      tf.grad((x) => tf.sum(tf.matMul(x, tf.ones([4, 3, 4]))))(tf.ones([4, 2, 3]));
    });
  run();
  const before = [tf.memory().numTensors, tf.backend().numDataIds()];
  for (let i = 0; i < 5; i++) run();
  expect([tf.memory().numTensors, tf.backend().numDataIds()]).toEqual(before);
});

test("shapes that do not fit and integers are refused as without BLAS", async () => {
  await useBackend("wasm");
  expect(() => tf.matMul(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow(/inner shapes/);
  const integers = { a: tf.ones([2, 2], "int32"), b: tf.ones([2, 2], "int32") };
  const attrs = { transposeA: false, transposeB: false };
  expect(() => tf.engine().runKernel("BatchMatMul", integers, attrs)).toThrow(/float32/);
  tf.dispose(integers);
});

test("blas: false gives the backend's own product back, equal to 1e-6", async () => {
  const product = () => tf.tidy(() => tf.matMul(normals([64, 64], "a"), normals([64, 64], "b")).dataSync());
  const onBlas = product();
  const ours = tf.getKernel("BatchMatMul", "wasm");
  await useBackend("wasm", { blas: false });
  expect(tf.getKernel("BatchMatMul", "wasm")).not.toBe(ours);
  expect(relativeError(product(), onBlas)).toBeLessThan(1e-6);
});
