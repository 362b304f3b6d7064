import * as tf from "@tensorflow/tfjs-core";
import type { RandomStream } from "../random.ts";
import type { Tree } from "../tree.ts";
import { film, initFilm } from "./film.ts";
import { layerNorm } from "./layer-norm.ts";
import { initLinear, linear } from "./linear.ts";
import { silu } from "./silu.ts";

export const initFilmResBlock = (random: RandomStream, name: string, width: number, condition: number) => ({
  ...initFilm(random, `${name}/film`, condition, width),
  ...initLinear(random, `${name}/in`, width, width),
  ...initLinear(random, `${name}/out`, width, width, "zero"),
});

/** Pre-norm residual block: h + Linear(SiLU(Linear(FiLM(LayerNorm(h))))), `[B, H]` → `[B, H]`. Starts as the identity. */
export function filmResBlock(params: Tree, name: string, h: tf.Tensor, condition: tf.Tensor): tf.Tensor {
  const modulated = film(params, `${name}/film`, layerNorm(h), condition);
  return tf.add(h, linear(params, `${name}/out`, silu(linear(params, `${name}/in`, modulated))));
}
