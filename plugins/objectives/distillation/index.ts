import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import type { Batch } from "../../../core/state.ts";
import { gait } from "../../tasks/gait/index.ts";

/** Learns the motions of a simulation: scale·mean((w∘(y − ŷ))²) over rows and channels, with weights by body part. */
export const distillation = definePlugin({
  name: "distillation",
  summary: "learns simulated motions: squared error with weights by body part (forward GaitNet)",
  requires: [gait],
  options: z.strictObject({
    scale: z.number().positive().default(5).describe("factor of the mean square"),
    weights: z
      .strictObject({
        root: z.number().min(0).default(2).describe("the pelvis's displacement and height"),
        upperBody: z.number().min(0).default(0.5).describe("head, shoulders and arms"),
      })
      .prefault({}),
  }),
  setup({ loss, model, use }, { scale, weights }) {
    const { channelWeights } = use(gait);
    const weight = channelWeights(weights);
    loss({
      name: "distillation",
      compute(params, { motion, ...inputs }) {
        const difference = tf.sub(motion!, model.apply(params, inputs as Batch));
        return tf.mul(tf.mean(tf.square(tf.mul(difference, tf.tensor1d(weight)))), scale);
      },
    });
  },
});
