import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../core/engine/backend.ts";

beforeAll(async () => {
  await useBackend("cpu");
});

const squares = (x: Tensor) => tf.sum(tf.square(x)) as Scalar;

test("the squared length of (3, 4) is 25 and its gradient (6, 8)", () => {
  const { value, grads } = valueAndGrads(({ w }) => squares(w!), { w: tf.tensor1d([3, 4]) });
  expect(value.dataSync()[0]).toBe(25);
  expect([...grads["w"]!.dataSync()]).toEqual([6, 8]);
});

test("a parameter that the loss does not use gets zeros of its shape", () => {
  const { grads } = valueAndGrads(({ "net/w": w }) => squares(w!), {
    "net/w": tf.scalar(2),
    "net/unused": tf.ones([2, 3]),
  });
  expect(Object.keys(grads)).toEqual(["net/w", "net/unused"]);
  expect(grads["net/unused"]!.arraySync()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test("a constant loss has zero gradients, and a loss without parameters has none", () => {
  expect(valueAndGrads(() => tf.scalar(7), { w: tf.scalar(2) }).grads["w"]!.dataSync()[0]).toBe(0);
  expect(valueAndGrads(() => tf.scalar(7), {}).grads).toEqual({});
});

test("a parameter that is itself the loss has gradient one", () => {
  expect(valueAndGrads(({ w }) => w as Scalar, { w: tf.scalar(2) }).grads["w"]!.dataSync()[0]).toBe(1);
});

test("inside an outer gradient it gives partial, not total derivatives", () => {
  // g(a) = ∂/∂b (a·b) + ∂/∂a (a·b) at b = a² is a + a², and g′(3) = 1 + 2·3 = 7.
  const g = (a: Tensor) => {
    const { grads } = valueAndGrads(({ a: p, b }) => tf.sum(tf.mul(p!, b!)) as Scalar, { a, b: tf.square(a) });
    return tf.add(grads["a"]!, grads["b"]!);
  };
  expect(g(tf.scalar(3)).dataSync()[0]).toBe(12);
  expect(tf.grad(g)(tf.scalar(3)).dataSync()[0]).toBe(7);
});

test("a loss that is not one number is an error naming its shape", () => {
  expect(() => valueAndGrads(({ w }) => tf.square(w!) as Scalar, { w: tf.ones([2, 3]) })).toThrow(
    expect.objectContaining({ code: "MF_LOSS_SHAPE", message: expect.stringContaining("[2,3]") }),
  );
});

test("it keeps the value and one gradient a parameter, and nothing else", () => {
  const params = { w: tf.ones([3, 3]), unused: tf.ones([2]) };
  const before = tf.memory().numTensors;
  const { value, grads } = valueAndGrads(({ w }) => squares(tf.tanh(tf.matMul(w!, w!))), params);
  expect(tf.memory().numTensors).toBe(before + 3);
  tf.dispose([value, grads]);
  expect(tf.memory().numTensors).toBe(before);
});
