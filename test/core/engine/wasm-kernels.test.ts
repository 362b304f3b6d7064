import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createStream } from "../../../core/random.ts";

const normals = (shape: number[]): tf.Tensor =>
  tf.tensor(Float32Array.from(createStream(2, "kernels", 0).normals(tf.util.sizeFromShape(shape))), shape);

async function onBoth(compute: () => tf.Tensor): Promise<{ cpu: tf.Tensor; wasm: tf.Tensor }> {
  await useBackend("cpu");
  const cpu = tf.tidy(compute);
  cpu.dataSync();
  await useBackend("wasm");
  return { cpu, wasm: tf.tidy(compute) };
}

async function expectEqual(compute: () => tf.Tensor): Promise<void> {
  const { cpu, wasm } = await onBoth(compute);
  expect({ shape: wasm.shape, dtype: wasm.dtype }).toEqual({ shape: cpu.shape, dtype: cpu.dtype });
  expect(wasm.dataSync()).toEqual(cpu.dataSync());
  tf.dispose([cpu, wasm]);
}

/** |x − y| ≤ tolerance·(|y| + scale), element by element. */
async function expectClose(compute: () => tf.Tensor, tolerance: number, scale = 0): Promise<void> {
  const { cpu, wasm } = await onBoth(compute);
  expect(wasm.shape).toEqual(cpu.shape);
  const [x, y] = [wasm.dataSync(), cpu.dataSync()];
  for (let i = 0; i < y.length; i++)
    expect(Math.abs(x[i]! - y[i]!)).toBeLessThanOrEqual(tolerance * (Math.abs(y[i]!) + scale));
  tf.dispose([cpu, wasm]);
}

test("tile and broadcastTo copy every axis as on the cpu backend, for floats, integers and booleans", async () => {
  const tilings: [number[], number[]][] = [
    [[5], [3]],
    [
      [1, 4],
      [6, 1],
    ],
    [
      [6, 1],
      [1, 4],
    ],
    [
      [2, 3],
      [1, 1],
    ],
    [
      [2, 3],
      [2, 3],
    ],
    [
      [2, 1, 3],
      [3, 5, 1],
    ],
    [
      [2, 1, 3, 2],
      [1, 4, 1, 3],
    ],
    [
      [2, 3],
      [0, 2],
    ],
    [
      [0, 3],
      [2, 2],
    ],
  ];
  for (const [shape, reps] of tilings) {
    await expectEqual(() => tf.tile(normals(shape), reps));
    await expectEqual(() => tf.tile(tf.cast(tf.mul(normals(shape), 10), "int32"), reps));
    await expectEqual(() => tf.tile(tf.greater(normals(shape), 0), reps));
  }
  await expectEqual(() => tf.broadcastTo(normals([3, 1]), [4, 3, 5]));
});

test("sum over leading and other axes equals the cpu backend's to 1e-6, with the dimensions kept or not", async () => {
  const axes = [[0], [0, 1], [1], [2], [0, 2], [1, 2], [0, 1, 2]];
  for (const keep of [false, true])
    for (const axis of axes) await expectClose(() => tf.sum(normals([7, 5, 6]), axis, keep), 1e-6, 7);
  for (const shape of [
    [1, 5],
    [5, 1],
    [0, 5],
    [4, 5],
    [9, 5],
  ])
    await expectClose(() => tf.sum(normals(shape), 0), 1e-6, 7);
  await expectEqual(() => tf.sum(tf.cast(tf.mul(normals([6, 4]), 10), "int32"), 0));
});

test("transpose moves every element as on the cpu backend, whatever the permutation", async () => {
  const permutations: [number[], number[]][] = [
    [
      [5, 7],
      [1, 0],
    ],
    [
      [33, 17],
      [1, 0],
    ],
    [
      [1, 7],
      [1, 0],
    ],
    [
      [0, 7],
      [1, 0],
    ],
    [
      [3, 4, 5],
      [0, 2, 1],
    ],
    [
      [3, 4, 5],
      [1, 2, 0],
    ],
    [
      [3, 4, 5],
      [2, 0, 1],
    ],
    [
      [3, 4, 5],
      [2, 1, 0],
    ],
    [
      [3, 4, 5],
      [1, 0, 2],
    ],
    [
      [3, 4, 5],
      [0, 1, 2],
    ],
    [
      [2, 3, 4, 5],
      [2, 3, 0, 1],
    ],
    [
      [2, 3, 4, 5],
      [0, 2, 3, 1],
    ],
    [
      [2, 3, 4, 5],
      [0, 2, 1, 3],
    ],
    [
      [2, 1, 4, 5],
      [3, 1, 0, 2],
    ],
  ];
  for (const [shape, permutation] of permutations) {
    await expectEqual(() => tf.transpose(normals(shape), permutation));
    await expectEqual(() => tf.transpose(tf.greater(normals(shape), 0), permutation));
  }
});

test("gather takes the rows asked for, in any shape of indices, and refuses one out of range", async () => {
  const rows = () => tf.tensor1d([3, 0, 3, 4], "int32");
  await expectEqual(() => tf.gather(normals([5, 6]), rows()));
  await expectEqual(() => tf.gather(normals([5]), rows()));
  await expectEqual(() => tf.gather(tf.greater(normals([5, 2]), 0), rows()));
  await expectEqual(() => tf.gather(normals([5, 2, 3]), tf.reshape(rows(), [2, 2])));
  await expectEqual(() => tf.gather(normals([6, 5]), rows(), 1));
  await expectEqual(() => tf.gather(normals([2, 5, 3]), tf.reshape(rows(), [2, 2]), 1, 1));
  expect(() => tf.gather(normals([5, 6]), tf.tensor1d([5], "int32"))).toThrow(/index value 5/);
});

test("sin and cos equal the cpu backend's bit for bit, tanh to 4e-7, at the limits too", async () => {
  const values = () =>
    tf.concat([
      tf.tensor1d([0, 1e-6, -1e-3, 5, 7.9, 9, -20, 1e6, Number.POSITIVE_INFINITY, Number.NaN]),
      normals([500]),
    ]);
  await expectEqual(() => tf.sin(values()));
  await expectEqual(() => tf.cos(values()));
  await useBackend("wasm");
  const x = values().dataSync();
  const y = tf.tanh(values()).dataSync();
  for (let i = 0; i < x.length; i++) {
    const exact = Math.tanh(x[i]!);
    if (Number.isNaN(exact)) expect(y[i]).toBeNaN();
    else expect(Math.abs(y[i]! - exact)).toBeLessThanOrEqual(4e-7 * Math.abs(exact));
  }
});

test("the kernels hold after switching backends, and their gradients agree", async () => {
  await useBackend("wasm");
  await expectClose(
    () =>
      tf.grad((x) => tf.sum(tf.mul(tf.tanh(tf.tile(tf.transpose(x), [2, 1])), tf.sin(normals([14, 5])))))(
        normals([5, 7]),
      ),
    1e-6,
    1,
  );
});
