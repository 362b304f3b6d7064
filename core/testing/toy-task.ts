import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { arrayDataset } from "../data/datasets.ts";
import { float32 } from "../data/host-tensor.ts";
import { definePlugin, type Plugin } from "../plugin.ts";
import { mapTree, type Tree } from "../tree.ts";

/**
 * The smallest task: parameters of any shape, drawn to the samples, which are numbers. Its loss "toy" is the mean over the
 * batch of Σ(p − target)², whose gradient is 2(p − mean target). `start` is copied.
 */
export function toyTask(targets: readonly number[], start?: Tree): Plugin {
  return definePlugin({
    name: "toy",
    summary: "parameters drawn to numbers",
    options: z.strictObject({}),
    provides: "task",
    setup({ task, loss }) {
      task({
        name: "toy",
        model: {
          init: () => (start === undefined ? { w: tf.tensor1d([3, 4]) } : mapTree((t) => t.clone(), start)),
          apply: (params) => params["w"]!,
        },
        dataset: () =>
          arrayDataset({ target: float32(Float32Array.from(targets), [targets.length]) }, { shuffle: false }),
      });
      loss({
        name: "toy",
        compute(params, batch) {
          const target = tf.reshape(batch["target"]!, [-1, 1]);
          const squares = Object.values(params).map((p) => tf.square(tf.sub(tf.reshape(p, [1, -1]), target)));
          return tf.addN(squares.map((s) => tf.div(tf.sum(s), target.shape[0]!))) as tf.Scalar;
        },
      });
    },
  })();
}
