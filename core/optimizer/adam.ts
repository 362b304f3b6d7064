import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { mapTree, prefixed, subtree, type Tree } from "../tree.ts";
import { decay, defineOptimizer, learningRate, type Optimizer } from "./optimizer.ts";

const options = {
  lr: learningRate.default(1e-3),
  beta1: decay(0.9, "decay of the first moment"),
  beta2: decay(0.999, "decay of the second moment"),
  epsilon: z.number().positive().default(1e-8).describe("added to the root of the second moment"),
};

/**
 * Adam (Kingma & Ba 2015, algorithm 1): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
 * θ ← θ − lr·m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
 */
export const adam = defineOptimizer({
  name: "adam",
  options: z.strictObject(options),
  create: ({ beta1, beta2, epsilon }) => adamPair(beta1, beta2, epsilon, 0),
});

/**
 * AdamW (Loshchilov & Hutter 2019): Adam, with the decay lr·λ·θ taken off the weights instead of added to the gradient.
 * Only tensors of two or more dimensions decay: biases and normalisation gains do not.
 */
export const adamW = defineOptimizer({
  name: "adamw",
  options: z.strictObject({
    ...options,
    weightDecay: z.number().min(0).default(1e-2).describe("decoupled weight decay λ"),
  }),
  create: ({ beta1, beta2, epsilon, weightDecay }) => adamPair(beta1, beta2, epsilon, weightDecay),
});

function adamPair(
  beta1: number,
  beta2: number,
  epsilon: number,
  weightDecay: number,
): Pick<Optimizer, "init" | "update" | "scalars"> {
  const zeros = (params: Tree): Record<string, tf.Tensor> => mapTree((p) => tf.zerosLike(p), params);
  return {
    init: (params) => ({ ...prefixed("m", zeros(params)), ...prefixed("v", zeros(params)) }),
    // θ − lr·m̂/(√v̂ + ε) = θ − rate·m/(√v + ε′), with rate = lr·√(1−β₂ᵗ)/(1−β₁ᵗ) and ε′ = ε·√(1−β₂ᵗ): two scalars
    // instead of two passes over every tensor.
    scalars: (update) => {
      const root = Math.sqrt(1 - beta2 ** update);
      return { "optimizer/correction": root / (1 - beta1 ** update), "optimizer/epsilon": epsilon * root };
    },
    update(grads, opt, params, scalars) {
      const rate = tf.mul(scalars["lr"]!, scalars["optimizer/correction"]!);
      const epsilonNow = scalars["optimizer/epsilon"]!;
      const keep = tf.sub(1, tf.mul(scalars["lr"]!, weightDecay));
      const m = mapTree((old, path) => tf.add(tf.mul(old, beta1), tf.mul(grads[path]!, 1 - beta1)), subtree(opt, "m"));
      const v = mapTree(
        (old, path) => tf.add(tf.mul(old, beta2), tf.mul(tf.square(grads[path]!), 1 - beta2)),
        subtree(opt, "v"),
      );
      const next = mapTree((p, path) => {
        const decayed = weightDecay > 0 && p.rank >= 2 ? tf.mul(p, keep) : p;
        return tf.sub(decayed, tf.mul(rate, tf.div(m[path]!, tf.add(tf.sqrt(v[path]!), epsilonNow))));
      }, params);
      return { params: next, opt: { ...prefixed("m", m), ...prefixed("v", v) } };
    },
  };
}
