import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { record, useBackend } from "../../../core/testing/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

test("a recording names the kernels in order, the backward pass included", () => {
  const x = tf.tensor1d([3, 4]);
  const { kernels, constants } = record(() => tf.dispose(tf.grad((w) => tf.sum(tf.square(w)))(x)), [x]);
  expect(kernels.map((k) => k.split(" ")[0])).toEqual(expect.arrayContaining(["Square", "Sum", "Multiply"]));
  expect(kernels.findIndex((k) => k.startsWith("Square"))).toBeLessThan(
    kernels.findIndex((k) => k.startsWith("Multiply")),
  );
  expect(constants).not.toContainEqual([3, 4]);
});

test("a tensor that is neither input nor result is a constant, noted once", () => {
  const x = tf.scalar(2);
  const { constants } = record(() => {
    const seven = tf.scalar(7);
    tf.add(tf.mul(x, seven), seven);
  }, [x]);
  expect(constants).toEqual([[7]]);
});

test("the kernels work as before once the recording is over, also after an error", () => {
  const x = tf.scalar(2);
  expect(() =>
    record(() => {
      throw new Error("boom");
    }, []),
  ).toThrow("boom");
  expect(tf.mul(x, 21).dataSync()[0]).toBe(42);
});
