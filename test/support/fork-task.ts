import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { generatedDataset } from "../../core/data/datasets.ts";
import { float32 } from "../../core/data/host-tensor.ts";
import { initLinear, linear } from "../../core/nn/linear.ts";
import { silu } from "../../core/nn/silu.ts";
import { definePlugin } from "../../core/plugin.ts";
import type { Model } from "../../core/task.ts";

/** Demonstrations turn left or right by chance: action = ±(0.5 + 0.2·observation), in the box [−1, 1]. */
export const forkedAction = (observation: number): number => 0.5 + 0.2 * observation;

const width = 32;

/**
 * Energies `[B, n]` of actions `[B, n, 1]` at observations `[B, 1]`; without actions one number a row `[B, 1]`, the
 * explicit policy's action.
 */
export const forkModel: Model = {
  init: (random) => ({
    ...initLinear(random, "observation", 1, width),
    ...initLinear(random, "action", 1, width),
    ...initLinear(random, "middle", width, width),
    ...initLinear(random, "out", width, 1),
  }),
  apply(params, { observation, action }) {
    const seen = linear(params, "observation", observation!);
    const rest = (x: tf.Tensor): tf.Tensor => linear(params, "out", silu(linear(params, "middle", silu(x))));
    if (action === undefined) return rest(seen);
    const [rows, count] = action.shape as [number, number];
    const moved = tf.reshape(linear(params, "action", tf.reshape(action, [-1, 1])), [rows, count, width]);
    const hidden = tf.reshape(tf.add(moved, tf.expandDims(seen, 1)), [-1, width]);
    return tf.reshape(rest(hidden), [rows, count]);
  },
};

export const forkTask = definePlugin({
  name: "fork",
  summary: "imitation of demonstrations that turn left or right",
  options: z.strictObject({ policy: z.enum(["implicit", "explicit"]).default("implicit") }),
  provides: "task",
  setup({ task }, { policy }) {
    task({
      name: "fork",
      model:
        policy === "implicit"
          ? forkModel
          : {
              ...forkModel,
              apply: (params, { observation }) => forkModel.apply(params, { observation: observation! }),
            },
      dataset: () =>
        generatedDataset((random, count) => {
          const observation = random.uniforms(count, -1, 1);
          const action = observation.map((o) => (random.below(2) === 0 ? 1 : -1) * forkedAction(o));
          return {
            observation: float32(observation, [count, 1]),
            action: float32(action, [count, 1]),
            low: float32(new Float32Array(count).fill(-1), [count, 1]),
            high: float32(new Float32Array(count).fill(1), [count, 1]),
          };
        }),
    });
  },
});
