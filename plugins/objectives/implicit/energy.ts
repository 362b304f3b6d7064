import * as tf from "@tensorflow/tfjs-core";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";

/** Energies `[B, n]` of actions `[B, n, N]`, n candidates for each of B observations; low where an action is likely. */
export type Energy = (action: tf.Tensor) => tf.Tensor;

/** ∂E/∂action, `[B, n, N]`: each energy depends on its own action alone, so one gradient of their sum has them all. */
export function actionGradient(energy: Energy, action: tf.Tensor): tf.Tensor {
  const total = (at: Readonly<Record<string, tf.Tensor>>): tf.Scalar => tf.sum(energy(at["action"]!));
  return valueAndGrads(total, { action }).grads["action"]!;
}

/** Of each row's actions `[B, n, N]` the one of lowest energy, `[B, N]`: the arg-max of softmax(−E). The first of equals. */
export function lowestEnergy(energies: tf.Tensor, actions: tf.Tensor): tf.Tensor {
  const candidates = tf.range(0, energies.shape[1]!, 1, "int32");
  const chosen = tf.equal(tf.expandDims(tf.argMin(energies, 1), 1), candidates);
  // A product with 0 and 1 instead of a gather: exact, and rows need no index of their own.
  return tf.sum(tf.mul(actions, tf.expandDims(tf.cast(chosen, "float32"), 2)), 1);
}
