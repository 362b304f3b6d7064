import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { sumTo } from "./broadcast.ts";
import { extremumShare, keptShape } from "./extremum.ts";
import { matMulGradient } from "./matmul-gradient.ts";

export { fastTransposedMatMul, setFastTransposedMatMul } from "./matmul-gradient.ts";

type Gradient = Parameters<typeof tf.registerGradient>[0];

/** A gradient `dy·derivative(x)` that saves the input, so that an outer gradient can follow it. */
const unary = (kernelName: string, derivative: (x: Tensor) => Tensor): Gradient => ({
  kernelName,
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as Tensor, derivative(x!)) }),
});

type PartialDerivative = (a: Tensor, b: Tensor) => Tensor;

/** The same for two inputs that broadcast. */
const binary = (kernelName: string, byA: PartialDerivative, byB: PartialDerivative): Gradient => ({
  kernelName,
  inputsToSave: ["a", "b"],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [Tensor, Tensor];
    return {
      a: () => sumTo(tf.mul(dy as Tensor, byA(a, b)), a.shape),
      b: () => sumTo(tf.mul(dy as Tensor, byB(a, b)), b.shape),
    };
  },
});

/** The gradient of a kernel that is constant almost everywhere. */
const zero = (kernelName: string, inputs: readonly string[]): Gradient => ({
  kernelName,
  inputsToSave: [...inputs],
  // Not zerosLike: the gradient of a bool or int input must be float32 too.
  gradFunc: (_, saved) => Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i]!.shape)])),
});

const extremum = (kernelName: string, axesOf: (attrs: unknown) => number | number[]): Gradient => ({
  kernelName,
  inputsToSave: ["x"],
  outputsToSave: [true],
  // The saved output is cut off from the input on an outer tape, which is right here: it only selects entries.
  gradFunc: (dy, saved, attrs) => {
    const [x, y] = saved as [Tensor, Tensor];
    const axes = axesOf(attrs);
    return { x: () => tf.mul(tf.reshape(dy as Tensor, keptShape(x, axes)), extremumShare(x, y, axes)) };
  },
});

const softmax: Gradient = {
  kernelName: tf.Softmax,
  inputsToSave: ["logits"],
  gradFunc: (dy, [logits], attrs) => ({
    logits: () => {
      const { dim } = attrs as unknown as tf.SoftmaxAttrs;
      const y = tf.softmax(logits!, dim);
      const weighted = tf.mul(dy as Tensor, y);
      return tf.sub(weighted, tf.mul(tf.sum(weighted, dim, true), y));
    },
  }),
};

const logSoftmax: Gradient = {
  kernelName: tf.LogSoftmax,
  inputsToSave: ["logits"],
  gradFunc: (dy, [logits], attrs) => ({
    logits: () => {
      const { axis } = attrs as unknown as tf.LogSoftmaxAttrs;
      return tf.sub(dy as Tensor, tf.mul(tf.sum(dy as Tensor, axis, true), tf.softmax(logits!, axis)));
    },
  }),
};

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
/** exp(x) below zero and 1 above it: no overflow at large x, where 0·∞ would make a second derivative NaN. */
const expBelowZero = (x: Tensor): Tensor => tf.exp(tf.minimum(x, 0));
const float = (condition: Tensor): Tensor => tf.cast(condition, "float32");
const one = tf.onesLike;
const logOrZero = (x: Tensor): Tensor => {
  const positive = tf.greater(x, 0);
  // The inner where keeps log(0) = -∞ out of the branch that is not taken, whose gradient would be NaN.
  return tf.where(positive, tf.log(tf.where(positive, x, one(x))), tf.zerosLike(x));
};

const gradients: readonly Gradient[] = [
  unary(tf.Sigmoid, (x) => {
    const y = tf.sigmoid(x);
    return tf.mul(y, tf.sub(1, y));
  }),
  unary(tf.Tanh, (x) => tf.sub(1, tf.square(tf.tanh(x)))),
  unary(tf.Exp, tf.exp),
  unary(tf.Elu, expBelowZero),
  unary(tf.Selu, (x) => tf.mul(SELU_SCALE, tf.where(tf.greater(x, 0), one(x), tf.mul(SELU_ALPHA, expBelowZero(x))))),
  softmax,
  logSoftmax,

  binary(
    tf.Pow,
    (a, b) => tf.mul(b, tf.pow(a, tf.sub(b, 1))),
    (a, b) => tf.mul(tf.pow(a, b), logOrZero(a)),
  ),
  binary(
    tf.SquaredDifference,
    (a, b) => tf.mul(2, tf.sub(a, b)),
    (a, b) => tf.mul(2, tf.sub(b, a)),
  ),
  binary(
    tf.Maximum,
    (a, b) => float(tf.greaterEqual(a, b)),
    (a, b) => float(tf.less(a, b)),
  ),
  binary(
    tf.Minimum,
    (a, b) => float(tf.lessEqual(a, b)),
    (a, b) => float(tf.greater(a, b)),
  ),
  extremum(tf.Max, (attrs) => (attrs as tf.MaxAttrs).reductionIndices),
  extremum(tf.Min, (attrs) => (attrs as tf.MinAttrs).axis),

  ...[
    tf.Greater,
    tf.GreaterEqual,
    tf.Less,
    tf.LessEqual,
    tf.Equal,
    tf.NotEqual,
    tf.LogicalAnd,
    tf.LogicalOr,
    tf.LogicalXor,
    // Stock tfjs gives it the gradient of a division, which steps of constant height do not have.
    tf.FloorDiv,
  ].map((kernel) => zero(kernel, ["a", "b"])),
  ...[tf.LogicalNot, tf.Any, tf.All].map((kernel) => zero(kernel, ["x"])),

  matMulGradient,
];

/**
 * Replaces the tfjs gradients that fail or lie when they are differentiated again, and adds missing ones.
 * Stock sigmoid, tanh, exp, softmax, elu and pow save their output, which an outer tape cannot follow: the second
 * derivative throws or, for `x·sigmoid(x)`, is silently wrong (tfjs issue 3252). These save the input and recompute.
 * Also: comparisons, logic and floorDiv get zero gradients, so `where(greater(x, 0), …)` works inside a gradient;
 * maximum, minimum and squaredDifference broadcast; max and min share a tie evenly; matMul avoids slow transposes on
 * `wasm`. Still without a second derivative: `tf.logSoftmax` and the fused losses, which are no kernels (write
 * `x - logSumExp(x)`), and `tf.prod`; `tf.einsum` has no gradient at all. May be called again; prints nothing.
 */
export function registerGradients(): void {
  for (const gradient of gradients) {
    if (tf.getGradient(gradient.kernelName) !== undefined) tf.unregisterGradient(gradient.kernelName);
    tf.registerGradient(gradient);
  }
}
