import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { mapTree, prefixed, subtree } from "../tree.ts";
import { decay, defineOptimizer, learningRate } from "./optimizer.ts";

/** Gradient descent; with `momentum` m ← μ·m + g and θ ← θ − lr·m (as PyTorch has it), with `nesterov` θ ← θ − lr·(g + μ·m). */
export const sgd = defineOptimizer({
  name: "sgd",
  options: z.strictObject({
    lr: learningRate.default(0.01),
    momentum: decay(0, "share of the last update that is kept"),
    nesterov: z.boolean().default(false),
  }),
  create: ({ momentum, nesterov }) => ({
    init: (params) =>
      momentum === 0
        ? {}
        : prefixed(
            "momentum",
            mapTree((p) => tf.zerosLike(p), params),
          ),
    update(grads, opt, params, scalars) {
      const lr = scalars["lr"]!;
      if (momentum === 0) return { opt, params: mapTree((p, path) => tf.sub(p, tf.mul(lr, grads[path]!)), params) };
      const moments = mapTree((m, path) => tf.add(tf.mul(m, momentum), grads[path]!), subtree(opt, "momentum"));
      const direction = nesterov ? mapTree((m, path) => tf.add(grads[path]!, tf.mul(m, momentum)), moments) : moments;
      return {
        params: mapTree((p, path) => tf.sub(p, tf.mul(lr, direction[path]!)), params),
        opt: prefixed("momentum", moments),
      };
    },
  }),
});
