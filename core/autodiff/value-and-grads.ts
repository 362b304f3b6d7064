import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { errors } from "../errors.ts";
import type { Tree } from "../tree.ts";

/**
 * A loss and its gradient with respect to every tensor of `params`, in the same paths and shapes.
 * A parameter the loss does not depend on gets zeros; stock tfjs refuses it. `f` must use its argument, whose leaves
 * are copies: inside an outer gradient one parameter computed from another then still gives its partial derivative.
 * Throws MF_LOSS_SHAPE when `f` returns more than one number.
 */
export function valueAndGrads(
  f: (params: Tree) => Scalar,
  params: Tree,
): { value: Scalar; grads: Record<string, Tensor> } {
  return tf.tidy(() => {
    const paths = Object.keys(params);
    const leaves = paths.map((path) => tf.clone(params[path]!));
    const leafTree = Object.fromEntries(paths.map((path, i) => [path, leaves[i]!]));
    if (leaves.length === 0) return { value: scalarLoss(f(leafTree)), grads: {} };
    const { value, grads } = tf.engine().gradients(() => scalarLoss(f(leafTree)), leaves, undefined, true) as {
      value: Scalar;
      // The engine's types leave out what `allowNoGradients` allows.
      grads: (Tensor | undefined)[];
    };
    return {
      value,
      grads: Object.fromEntries(paths.map((path, i) => [path, grads[i] ?? tf.zeros(leaves[i]!.shape)])),
    };
  });
}

function scalarLoss(loss: Scalar): Scalar {
  if (loss.rank !== 0) throw errors.MF_LOSS_SHAPE({ shape: loss.shape });
  return loss;
}
