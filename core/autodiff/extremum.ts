import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

/**
 * The derivative of a maximum or minimum `y` over `axes` of `x`: 1 at the winning entry, 1/n at each of n that tie.
 * Has the shape of `x`. Stock tfjs gives every tied entry 1, which is no derivative of anything.
 */
export function extremumShare(x: Tensor, y: Tensor, axes: number | number[] | null | undefined): Tensor {
  const won = tf.cast(tf.equal(x, tf.reshape(y, keptShape(x, axes))), "float32");
  return tf.div(won, tf.sum(won, axes ?? undefined, true));
}

/** The shape of a reduction of `x` over `axes` (all of them when absent), with the reduced axes kept at size 1. */
export function keptShape(x: Tensor, axes: number | number[] | null | undefined): number[] {
  const reduced = tf.util.parseAxisParam(axes ?? x.shape.map((_, axis) => axis), x.shape);
  return x.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
}
