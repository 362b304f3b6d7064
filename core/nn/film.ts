import * as tf from "@tensorflow/tfjs-core";
import type { RandomStream } from "../random.ts";
import type { Tree } from "../tree.ts";
import { initLinear, linear } from "./linear.ts";

/** The layers that make γ and β from a condition `[B, C]`. Zero at the start, so that modulation begins as the identity. */
export const initFilm = (random: RandomStream, name: string, condition: number, width: number) => ({
  ...initLinear(random, `${name}/gamma`, condition, width, "zero"),
  ...initLinear(random, `${name}/beta`, condition, width, "zero"),
});

/** Feature-wise modulation (1 + γ)·h + β with (γ, β) linear in the condition: `[B, H]` → `[B, H]` (Perez et al. 2018). */
export function film(params: Tree, name: string, h: tf.Tensor, condition: tf.Tensor): tf.Tensor {
  // Two products rather than the halves of one: slicing columns costs more than it saves.
  const gamma = linear(params, `${name}/gamma`, condition);
  const beta = linear(params, `${name}/beta`, condition);
  return tf.add(tf.mul(h, tf.add(gamma, 1)), beta);
}
