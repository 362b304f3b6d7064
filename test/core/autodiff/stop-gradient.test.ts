import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { jvp } from "../../../core/autodiff/jvp.ts";
import { stopGradient, withoutGradient } from "../../../core/autodiff/stop-gradient.ts";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../core/engine/backend.ts";

beforeAll(async () => {
  await useBackend("cpu");
});

test("the value passes unchanged, its bits and its type too", () => {
  expect([...stopGradient(tf.tensor1d([-0, 2, Number.NaN])).dataSync()]).toEqual([-0, 2, Number.NaN]);
  expect(stopGradient(tf.tensor1d([1, 2], "int32")).dtype).toBe("int32");
});

test("in x·stop(x) only the first factor has a gradient: 3 at 3, not 6", () => {
  const f = (x: Tensor) => tf.mul(x, stopGradient(x));
  expect(tf.grad(f)(tf.scalar(3)).dataSync()[0]).toBe(3);
  expect(jvp(f, [tf.scalar(3)], [tf.scalar(1)]).tangent.dataSync()[0]).toBe(3);
});

test("a loss of stopped values alone has a gradient of zero", () => {
  const { grads } = valueAndGrads(({ w }) => tf.sum(stopGradient(tf.square(w!))) as Scalar, { w: tf.tensor1d([3, 4]) });
  expect([...grads["w"]!.dataSync()]).toEqual([0, 0]);
});

test("an infinite derivative behind the stop does not become NaN", () => {
  const f = (x: Tensor) => tf.add(x, stopGradient(tf.sqrt(x)));
  expect(tf.grad(f)(tf.scalar(0)).dataSync()[0]).toBe(1);
});

test("it stops every jvp that it runs in", () => {
  const inner = (x: Tensor) => jvp((y) => tf.mul(stopGradient(tf.square(y)), y), [x], [tf.scalar(1)]).tangent;
  // The inner tangent is stop(x²): 9 at 3, and constant.
  const { value, tangent } = jvp(inner, [tf.scalar(3)], [tf.scalar(1)]);
  expect([value.dataSync()[0], tangent.dataSync()[0]]).toEqual([9, 0]);
});

test("withoutGradient makes a constant of a whole computation, which may take gradients itself", () => {
  const slope = (x: Tensor) => withoutGradient(() => tf.grad((y: Tensor) => tf.pow(y, 3))(x));
  // d/dx (x·[3x²]) with the bracket held constant: 12 at 2.
  const f = (x: Tensor) => tf.mul(x, slope(x));
  expect(tf.grad(f)(tf.scalar(2)).dataSync()[0]).toBe(12);
  expect(jvp(f, [tf.scalar(2)], [tf.scalar(1)]).tangent.dataSync()[0]).toBe(12);
});

test("a gradient goes on after something inside withoutGradient has failed", () => {
  const f = (x: Tensor) => {
    expect(() =>
      withoutGradient(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    return tf.square(x);
  };
  expect(tf.grad(f)(tf.scalar(3)).dataSync()[0]).toBe(6);
});

test("it leaks no tensor", () => {
  const x = tf.scalar(3);
  const before = tf.memory().numTensors;
  tf.grad((y: Tensor) => tf.mul(y, stopGradient(tf.square(y))))(x).dispose();
  expect(tf.memory().numTensors).toBe(before);
});
