import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { initLinear, linear } from "../../../core/nn/linear.ts";
import { silu } from "../../../core/nn/silu.ts";
import type { Model } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";
import { MOTION_WIDTH } from "./motion/layout.ts";

export const networkSchema = z
  .strictObject({
    width: z.number().int().positive().default(512).describe("hidden width"),
    depth: z.number().int().positive().default(3).describe("hidden layers"),
    activation: z.enum(["relu", "silu"]).default("relu").describe("after each of them"),
  })
  .prefault({});
export type NetworkOptions = z.output<typeof networkSchema>;

/** Sine and cosine of the phase. */
const PHASE_WIDTH = 2;

/**
 * RefNN of forward GaitNet: parameters and phase through hidden layers of one width to a pose, Xavier-uniform kernels,
 * zero biases, no output activation. Reads `parameters` `[B, P]`, normalised, and `phase` `[B, 2]`; returns `[B, 101]`.
 *
 * `columns` has a list for each network: the parameters it reads besides the phase. Their outputs add up; a network that
 * is missing in the tree adds nothing. The heads of all but the first start at zero, so that a network that has not been
 * trained adds nothing either.
 */
export function motionNetwork(columns: readonly (readonly number[])[], options: NetworkOptions): Model {
  const activation = options.activation === "relu" ? tf.relu : silu;
  const hidden = Array.from({ length: options.depth }, (_, i) => `hidden${i}`);

  const forward = (params: Tree, index: number, parameters: tf.Tensor, phase: tf.Tensor): tf.Tensor => {
    const read = columns[index]!;
    const seen =
      read.length === parameters.shape[1] ? parameters : tf.gather(parameters, tf.tensor1d([...read], "int32"), 1);
    const layer = (h: tf.Tensor, name: string): tf.Tensor => activation(linear(params, pathIn(index, name), h));
    return linear(params, pathIn(index, "head"), hidden.reduce(layer, tf.concat([seen, phase], 1)));
  };

  return {
    init: (random) =>
      Object.assign(
        {},
        ...columns.map((read, index) => ({
          ...Object.assign(
            {},
            ...hidden.map((name, i) => {
              const inputs = i === 0 ? read.length + PHASE_WIDTH : options.width;
              return initLinear(random, pathIn(index, name), inputs, options.width, "xavier");
            }),
          ),
          ...initLinear(random, pathIn(index, "head"), options.width, MOTION_WIDTH, index === 0 ? "xavier" : "zero"),
        })),
      ),

    apply(params, { parameters, phase }) {
      const present = columns.map((_, index) => index).filter((index) => `${pathIn(index, "head")}/bias` in params);
      return present.map((index) => forward(params, index, parameters!, phase!)).reduce((sum, y) => tf.add(sum, y));
    },
  };
}

const pathIn = (network: number, layer: string): string => `network${network}/${layer}`;

/** The network that a parameter belongs to. */
export const networkOf = (path: string): number => Number(/^network(\d+)\//.exec(path)![1]);
