import * as tf from "@tensorflow/tfjs-core";
import type { Tree } from "./tree.ts";

/** √Σx² over all tensors of a tree, a scalar. */
export const globalNorm = (tree: Tree): tf.Scalar =>
  tf.sqrt(tf.addN(Object.values(tree).map((x) => tf.sum(tf.square(x))))) as tf.Scalar;
