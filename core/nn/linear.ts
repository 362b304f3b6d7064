import * as tf from "@tensorflow/tfjs-core";
import type { RandomStream } from "../random.ts";
import type { Tree } from "../tree.ts";

/** How kernels are drawn: `lecun` N(0, 1/fanIn), `xavier` U(±√(6/(fanIn+fanOut))) (Glorot & Bengio 2010), or all zero. */
export type KernelInit = "lecun" | "xavier" | "zero";

/** Parameters `name/kernel` [inputs, outputs] and `name/bias` [outputs]. */
export function initLinear(
  random: RandomStream,
  name: string,
  inputs: number,
  outputs: number,
  init: KernelInit = "lecun",
): Record<string, tf.Tensor> {
  const count = inputs * outputs;
  const draw = (): Float32Array => {
    if (init === "zero") return new Float32Array(count);
    const bound = Math.sqrt(6 / (inputs + outputs));
    return init === "xavier" ? random.uniforms(count, -bound, bound) : random.normals(count, 0, Math.sqrt(1 / inputs));
  };
  return {
    [`${name}/kernel`]: tf.tensor2d(draw(), [inputs, outputs]),
    [`${name}/bias`]: tf.zeros([outputs]),
  };
}

/** x·W + b: `[B, inputs]` → `[B, outputs]`. */
export const linear = (params: Tree, name: string, x: tf.Tensor): tf.Tensor =>
  tf.add(tf.matMul(x as tf.Tensor2D, params[`${name}/kernel`] as tf.Tensor2D), params[`${name}/bias`]!);
