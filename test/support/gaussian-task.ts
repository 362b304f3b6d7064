import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { generatedDataset } from "../../core/data/datasets.ts";
import { float32 } from "../../core/data/host-tensor.ts";
import { initLinear, linear } from "../../core/nn/linear.ts";
import { silu } from "../../core/nn/silu.ts";
import { definePlugin } from "../../core/plugin.ts";
import type { Model } from "../../core/task.ts";

/** Data N(0.7, 0.3²) from noise N(0, 1): the flow whose average velocity is known in closed form. */
export const gaussian = { mean: 0.7, deviation: 0.3 };

const model: Model = {
  init: (random) => ({
    ...initLinear(random, "in", 3, 64),
    ...initLinear(random, "middle", 64, 64),
    ...initLinear(random, "late", 64, 64),
    ...initLinear(random, "out", 64, 1),
  }),
  apply(params, { z: state, r, t }) {
    const x = tf.concat([state!, r!, tf.sub(t!, r!)], 1);
    const hidden = silu(linear(params, "in", x));
    return linear(params, "out", silu(linear(params, "late", silu(linear(params, "middle", hidden)))));
  },
};

export const gaussianTask = definePlugin({
  name: "gaussian",
  summary: "the analytic one-dimensional flow",
  options: z.strictObject({}),
  provides: "task",
  setup({ task }) {
    task({
      name: "gaussian",
      model,
      dataset: () =>
        generatedDataset((random, count) => ({
          source: float32(random.normals(count), [count, 1]),
          solution: float32(random.normals(count, gaussian.mean, gaussian.deviation), [count, 1]),
        })),
    });
  },
});

/** u(z, r, t) of the trained network at given points. */
export function averageVelocity(
  params: Readonly<Record<string, tf.Tensor>>,
  points: readonly (readonly [z: number, r: number, t: number])[],
): number[] {
  const column = (i: 0 | 1 | 2) => tf.tensor2d(points.map((p) => [p[i]]));
  return tf.tidy(() => Array.from(model.apply(params, { z: column(0), r: column(1), t: column(2) }).dataSync()));
}
