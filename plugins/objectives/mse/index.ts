import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import type { Batch } from "../../../core/state.ts";
import { demandNames, demandShape } from "../implicit/demands.ts";

/** Explicit behavioural cloning: regression of the demonstrated action, the baseline that `ebm` is compared with. */
export const mse = definePlugin({
  name: "mse",
  summary: "explicit behavioural cloning, to compare with: mean squared error of the action",
  options: z.strictObject({}),
  setup({ hooks, loss, model }) {
    hooks.beforeStep.tap("mse", (batch) => {
      demandNames("mse", batch, ["observation", "action"]);
      return batch;
    });
    loss({
      name: "mse",
      compute(params, { action, ...inputs }) {
        const answer = demandShape(model.apply(params, inputs as Batch), action!.shape, {
          plugin: "mse",
          wanted: "an action for each observation",
          policy: "explicit",
        });
        return tf.mean(tf.square(tf.sub(answer, action!)));
      },
    });
  },
});
