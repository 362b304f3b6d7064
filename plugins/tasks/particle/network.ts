import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { layerNorm } from "../../../core/nn/layer-norm.ts";
import { linear } from "../../../core/nn/linear.ts";
import { silu, siluSlope } from "../../../core/nn/silu.ts";
import type { RandomStream } from "../../../core/random.ts";
import type { Batch, StepRandom } from "../../../core/state.ts";
import type { Model } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";
import { particleErrors } from "./errors.ts";

export const networkSchema = z
  .strictObject({
    width: z.number().int().positive().default(256).describe("hidden width"),
    depth: z
      .number()
      .int()
      .positive()
      .multipleOf(2)
      .default(2)
      .describe("dense layers in residual blocks, two in each"),
    activation: z.enum(["relu", "silu"]).default("relu").describe("between the layers"),
    layerNorm: z.boolean().default(false).describe("normalises before each activation of a block"),
    dropout: z.number().min(0).lt(1).default(0).describe("share of activations left out while training"),
  })
  .prefault({});
export type NetworkOptions = z.output<typeof networkSchema>;

/** `implicit`: an energy of observation and action. `explicit`: an action of the observation. */
export type PolicyKind = "implicit" | "explicit";

/** Each with its derivative. */
const activations = {
  relu: { activation: tf.relu, slope: (x: tf.Tensor) => tf.step(x) },
  silu: { activation: silu, slope: siluSlope },
} as const;

/** Puts a layer's dropout mask on its input; the input as it is where the batch has no mask. */
type Drop = (layer: string, h: tf.Tensor) => tf.Tensor;

/** Deviation of kernels and biases at the start (Florence et al. 2021). */
const INIT_DEVIATION = 0.05;

/**
 * SequenceEBM: a dense layer over a window of observations and an action, pre-activation residual blocks, a linear head.
 *
 * `implicit` reads observation `[B, 8·dims]` and action `[B, n, dims]`, both normalised, and returns energies `[B, n]`.
 * `explicit` reads observation alone and returns normalised actions `[B, dims]`. Dropout masks come with the inputs, as
 * `dropoutMasks` makes them; without them nothing is left out.
 */
export function sequenceNetwork(dims: number, policy: PolicyKind, options: NetworkOptions): Model {
  const { width, depth } = options;
  const seen = 8 * dims;
  const inputs = policy === "implicit" ? seen + dims : seen;
  const outputs = policy === "implicit" ? 1 : dims;
  const blocks = Array.from({ length: depth / 2 }, (_, i) => `block${i}`);
  const { activation, slope } = activations[options.activation];

  const residual = (params: Tree, block: string, h: tf.Tensor, dropped: Drop) => {
    const layer = (name: string, x: tf.Tensor): tf.Tensor => {
      const path = `${block}/${name}`;
      const normal = options.layerNorm
        ? tf.add(tf.mul(layerNorm(x), params[`${path}/gain`]!), params[`${path}/offset`]!)
        : x;
      return linear(params, path, dropped(path, activation(normal)));
    };
    return tf.add(h, layer("out", layer("in", h)));
  };
  const trunk = (params: Tree, stem: tf.Tensor, dropped: Drop): tf.Tensor =>
    linear(
      params,
      "head",
      blocks.reduce((h, block) => residual(params, block, h, dropped), stem),
    );

  /** What an energy begins with: the stem of all candidates `[B·n, width]`, and their masks. */
  const candidatesOf = (params: Tree, batch: Batch) => {
    const observation = batch["observation"]!;
    const action = batch["action"];
    if (action === undefined) throw particleErrors.MF_PARTICLE_POLICY(undefined);
    // One kernel in two parts: the observation's is computed once for all candidates, and leaves a chain's loop.
    const kernel = params["stem/kernel"]!;
    const ofObservation = tf.add(
      tf.matMul(observation as tf.Tensor2D, tf.slice(kernel, [0, 0], [seen, width]) as tf.Tensor2D),
      params["stem/bias"]!,
    );
    const actionKernel = tf.slice(kernel, [seen, 0], [dims, width]);
    const ofAction = tf.matMul(tf.reshape(action, [-1, dims]) as tf.Tensor2D, actionKernel as tf.Tensor2D);
    const each = [-1, action.shape[1]!, width];
    const stem = tf.add(tf.reshape(ofAction, each), tf.expandDims(ofObservation, 1));
    const dropped: Drop = (layer, h) => {
      const mask = batch[maskName(layer)];
      // The candidates of an observation are compared with one another, so they share its mask.
      return mask === undefined ? h : tf.reshape(tf.mul(tf.reshape(h, each), tf.expandDims(mask, 1)), [-1, width]);
    };
    return { stem: tf.reshape(stem, [-1, width]), action, actionKernel, dropped };
  };

  /** ∂Σenergies/∂action: the chain rule from the head down, without the energies themselves. */
  const actionGradient = (params: Tree, batch: Batch): tf.Tensor => {
    const { stem, action, actionKernel, dropped } = candidatesOf(params, batch);
    const slopes: tf.Tensor[] = [];
    blocks.reduce((h, block) => {
      const [into, out] = [`${block}/in`, `${block}/out`];
      const inner = linear(params, into, dropped(into, activation(h)));
      slopes.push(dropped(into, slope(h)), dropped(out, slope(inner)));
      return block === blocks.at(-1) ? h : tf.add(h, linear(params, out, dropped(out, activation(inner))));
    }, stem);
    const back = (g: tf.Tensor, kernel: tf.Tensor): tf.Tensor =>
      tf.matMul(g as tf.Tensor2D, tf.transpose(kernel) as tf.Tensor2D);
    const atStem = blocks.reduceRight((g, block) => {
      const inner = tf.mul(back(g, params[`${block}/out/kernel`]!), slopes.pop()!);
      return tf.add(g, tf.mul(back(inner, params[`${block}/in/kernel`]!), slopes.pop()!));
    }, tf.transpose(params["head/kernel"]!));
    return tf.reshape(back(atStem, actionKernel), action.shape);
  };

  return {
    init: (random) => ({
      ...initDense(random, "stem", inputs, width),
      ...Object.assign(
        {},
        ...blocks.flatMap((block) =>
          ["in", "out"].map((name) => ({
            ...initDense(random, `${block}/${name}`, width, width),
            ...(options.layerNorm
              ? { [`${block}/${name}/gain`]: tf.ones([width]), [`${block}/${name}/offset`]: tf.zeros([width]) }
              : {}),
          })),
        ),
      ),
      ...initDense(random, "head", width, outputs),
    }),

    apply(params, batch) {
      const observation = batch["observation"]!;
      if (policy === "explicit") {
        return trunk(params, linear(params, "stem", observation), (layer, h) => {
          const mask = batch[maskName(layer)];
          return mask === undefined ? h : tf.mul(h, mask);
        });
      }
      const { stem, action, dropped } = candidatesOf(params, batch);
      return tf.reshape(trunk(params, stem, dropped), [-1, action.shape[1]!]);
    },

    inputGradient: (params, batch, name) =>
      policy === "implicit" && name === "action" && !options.layerNorm ? actionGradient(params, batch) : null,
  };
}

function initDense(random: RandomStream, name: string, inputs: number, outputs: number): Tree {
  return {
    [`${name}/kernel`]: tf.tensor2d(random.normals(inputs * outputs, 0, INIT_DEVIATION), [inputs, outputs]),
    [`${name}/bias`]: tf.tensor1d(random.normals(outputs, 0, INIT_DEVIATION)),
  };
}

const maskName = (layer: string): string => `dropout/${layer}`;

/** For each dense layer of the blocks a mask `[rows, width]`: 0 with probability `dropout`, else 1/(1 − dropout). */
export function dropoutMasks({ width, depth, dropout }: NetworkOptions, rows: number, random: StepRandom): Batch {
  const layers = Array.from({ length: depth / 2 }, (_, i) => [`block${i}/in`, `block${i}/out`]).flat();
  const mask = (): tf.Tensor =>
    tf.mul(tf.cast(tf.greaterEqual(random.uniform([rows, width]), dropout), "float32"), 1 / (1 - dropout));
  return Object.fromEntries(layers.map((layer) => [maskName(layer), mask()]));
}
