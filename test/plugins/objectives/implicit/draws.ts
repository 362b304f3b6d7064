import type * as tf from "@tensorflow/tfjs-core";
import { stepRandom } from "../../../../core/engine/feed.ts";
import { createStream } from "../../../../core/random.ts";
import type { StepRandom } from "../../../../core/state.ts";

export const draws = (seed = 0): StepRandom => stepRandom(createStream(seed, "draws"));

/** Hands out given tensors in place of draws, in turn. */
export const given = (...tensors: readonly tf.Tensor[]): StepRandom => {
  const left = [...tensors];
  return { normal: () => left.shift()!.clone(), uniform: () => left.shift()!.clone() };
};
