import * as tf from "@tensorflow/tfjs-core";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";
import type { Batch } from "../../../core/state.ts";
import type { Model } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";

/** Energies `[B, n]` of actions `[B, n, N]`, n candidates for each of B observations; low where an action is likely. */
export interface Energy {
  (action: tf.Tensor): tf.Tensor;
  /** ∂E/∂action by a formula, `[B, n, N]`; null or left out where there is none. */
  readonly gradient?: (action: tf.Tensor) => tf.Tensor | null;
}

/** The energy that a task's model gives the actions of a batch. */
export function energyOf(model: Model, params: Tree, batch: Batch): Energy {
  const energy = (action: tf.Tensor): tf.Tensor => model.apply(params, { ...batch, action });
  const gradient = (action: tf.Tensor) => model.inputGradient?.(params, { ...batch, action }, "action") ?? null;
  return Object.assign(energy, { gradient });
}

/** ∂E/∂action, `[B, n, N]`: each energy depends on its own action alone, so one gradient of their sum has them all. */
export function actionGradient(energy: Energy, action: tf.Tensor): tf.Tensor {
  const total = (at: Readonly<Record<string, tf.Tensor>>): tf.Scalar => tf.sum(energy(at["action"]!));
  return energy.gradient?.(action) ?? valueAndGrads(total, { action }).grads["action"]!;
}

/** Of each row's actions `[B, n, N]` the one of lowest energy, `[B, N]`: the arg-max of softmax(−E). The first of equals. */
export function lowestEnergy(energies: tf.Tensor, actions: tf.Tensor): tf.Tensor {
  const candidates = tf.range(0, energies.shape[1]!, 1, "int32");
  const chosen = tf.equal(tf.expandDims(tf.argMin(energies, 1), 1), candidates);
  // A product with 0 and 1 instead of a gather: exact, and rows need no index of their own.
  return tf.sum(tf.mul(actions, tf.expandDims(tf.cast(chosen, "float32"), 2)), 1);
}
