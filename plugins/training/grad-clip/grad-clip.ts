import * as tf from "@tensorflow/tfjs-core";
import { mapTree, type Tree } from "../../../core/tree.ts";

/** Scales all gradients by min(1, maxNorm/(norm + 1e-6)), so that their global norm is at most `maxNorm` (Pascanu et al. 2013). */
export function clipByNorm(grads: Tree, norm: tf.Scalar, maxNorm: number): Tree {
  const scale = tf.minimum(1, tf.div(maxNorm, tf.add(norm, 1e-6)));
  return mapTree((g) => tf.mul(g, scale), grads);
}

/** Each entry into [−maxValue, maxValue]. */
export const clipByValue = (grads: Tree, maxValue: number): Tree =>
  mapTree((g) => tf.clipByValue(g, -maxValue, maxValue), grads);
