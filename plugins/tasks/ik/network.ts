import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { geometricFrequencies, randomFrequencies, sinusoidFeatures } from "../../../core/nn/fourier.ts";
import { layerNorm } from "../../../core/nn/layer-norm.ts";
import { initLinear, linear } from "../../../core/nn/linear.ts";
import { filmResBlock, initFilmResBlock } from "../../../core/nn/res-block.ts";
import { silu } from "../../../core/nn/silu.ts";
import type { Batch } from "../../../core/state.ts";
import type { Model } from "../../../core/task.ts";
import type { Chain } from "./robot/chain.ts";
import { tipErrorTensor } from "./robot/fk-tensor.ts";

export const networkSchema = z
  .strictObject({
    width: z.number().int().positive().default(256).describe("hidden width of the residual blocks"),
    depth: z.number().int().positive().default(4).describe("residual blocks"),
    condition: z.number().int().positive().default(128).describe("width of the time and pose condition"),
    timeFrequencies: z
      .strictObject({
        count: z.number().int().positive().default(8),
        min: z.number().positive().default(0.1),
        max: z.number().positive().default(2),
      })
      .prefault({})
      .describe("angular frequencies of the time features; the target's time derivative grows with the largest"),
    fourierFeatures: z
      .strictObject({
        count: z.number().int().min(0).default(0),
        scale: z.number().positive().default(2),
      })
      .prefault({})
      .describe("random Fourier features of the target position (radians per metre); count 0 for none"),
    poseError: z
      .boolean()
      .default(true)
      .describe("feeds the pose error of the current joints (forward kinematics inside the network)"),
    lookAheads: z
      .number()
      .int()
      .min(0)
      .default(1)
      .describe("with poseError: corrections of the velocity by the pose error where it leads, one FK each"),
    tanhScaling: z.boolean().default(false).describe("bounds each joint's velocity to its range by tanh"),
  })
  .prefault({});
export type NetworkOptions = z.output<typeof networkSchema>;

/**
 * The velocity network: an MLP-ResNet over joints, modulated by time and target pose.
 *
 * Reads z `[B, D]` (joints at time r, rad), r and t `[B, 1]`, and pose `[B, 7]` (position in m, quaternion w x y z,
 * canonical); returns u `[B, D]` in rad per unit of time. `displacement` (rad) is the size of a typical u: outputs are
 * measured in it, and so are the pose errors.
 */
export function velocityNetwork(chain: Chain, displacement: number, options: NetworkOptions): Model {
  const { width, depth, condition, poseError, lookAheads, tanhScaling } = options;
  const joints = chain.joints.length;
  const times = geometricFrequencies(
    options.timeFrequencies.count,
    options.timeFrequencies.min,
    options.timeFrequencies.max,
  );
  const { count: fourierCount, scale: fourierScale } = options.fourierFeatures;
  const fourier = fourierCount > 0 ? randomFrequencies(3, fourierCount, fourierScale) : null;
  const poseSize = 7 + 2 * fourierCount;
  const stateSize = 2 * joints + (poseError ? 6 : 0);
  const conditionSize = 4 * times.length + poseSize;
  const range = Float32Array.from(chain.joints, (j) => (j.upper - j.lower) / displacement);

  return {
    init(random) {
      return {
        ...initLinear(random, "stem", stateSize + poseSize, width),
        ...initLinear(random, "condition/in", conditionSize, condition),
        ...initLinear(random, "condition/out", condition, condition),
        ...Object.assign(
          {},
          ...Array.from({ length: depth }, (_, i) => initFilmResBlock(random, `block${i}`, width, condition)),
        ),
        ...initLinear(random, "head", width, poseError ? 7 * joints : joints, "zero"),
      };
    },

    apply(params, { z, r, t, pose }: Batch) {
      const position = tf.slice(pose!, [0, 0], [-1, 3]);
      const poseFeatures = fourier ? tf.concat([pose!, sinusoidFeatures(position, fourier)], 1) : pose!;
      const errorAt = (q: tf.Tensor): tf.Tensor => tf.mul(tipErrorTensor(chain, q, pose!), 1 / displacement);
      const error = poseError ? errorAt(z!) : null;
      const state = [tf.sin(z!), tf.cos(z!), ...(error === null ? [] : [error])];
      const time = [sinusoidFeatures(r!, times), sinusoidFeatures(tf.sub(t!, r!), times)];
      const c = silu(
        linear(params, "condition/out", silu(linear(params, "condition/in", tf.concat([...time, poseFeatures], 1)))),
      );
      let h = linear(params, "stem", tf.concat([...state, poseFeatures], 1));
      for (let i = 0; i < depth; i++) h = filmResBlock(params, `block${i}`, h, c);
      const head = linear(params, "head", layerNorm(h));
      const remaining = tf.mul(tf.sub(1, r!), displacement);
      const bounded = (u: tf.Tensor): tf.Tensor => {
        if (!tanhScaling) return u;
        const most = tf.tensor2d(range, [1, joints]);
        return tf.mul(tf.tanh(tf.div(u, most)), most);
      };
      const endError = (u: tf.Tensor): tf.Tensor => errorAt(tf.add(z!, tf.mul(remaining, bounded(u))));
      const u = error === null ? head : driveByError(head, error, joints, lookAheads, endError);
      return tf.mul(bounded(u), displacement);
    },
  };
}

/**
 * u = b + A·e from the head's outputs (A, b) `[B, 7·D]` and the pose error e `[B, 6]`: the network gives the gain that
 * turns an error into joint velocities, which is smooth in the joints, rather than the product, which is not.
 * Each look-ahead then follows u straight to time 1, where no error should be left, and corrects u by the gain times
 * what is: a chord step of Newton's method with a learned inverse, at the price of one forward kinematics.
 */
function driveByError(
  head: tf.Tensor,
  error: tf.Tensor,
  joints: number,
  lookAheads: number,
  endError: (u: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const gain = tf.reshape(tf.slice(head, [0, 0], [-1, 6 * joints]), [-1, joints, 6]);
  const driven = (e: tf.Tensor): tf.Tensor => tf.sum(tf.mul(gain, tf.reshape(e, [-1, 1, 6])), -1);
  let u = tf.add(driven(error), tf.slice(head, [0, 6 * joints], [-1, joints]));
  for (let i = 0; i < lookAheads; i++) u = tf.add(u, driven(endError(u)));
  return u;
}
