import * as tf from "@tensorflow/tfjs-core";
import type { Motions } from "./data/source.ts";
import { MOTION_WIDTH, SAMPLES_PER_CYCLE } from "./motion/layout.ts";
import { normalizedParamState, type ParameterSpace } from "./parameters/space.ts";
import { ridge } from "./ridge.ts";

/** Numbers of a cycle. */
const CYCLE = SAMPLES_PER_CYCLE * MOTION_WIDTH;

/** Keeps weights small where parameters hardly vary; of a sum over motions. */
const LAMBDA = 1;

/** Cycles `[N, 30, 101]` for motions, as methods without a network predict them from what they saw. */
export type Baseline = (space: ParameterSpace, seen: Motions, asked: Motions) => Float32Array;

export const baselines: Readonly<Record<string, Baseline>> = {
  /** The same for everyone. */
  mean_cycle: (_, seen, { count }) => valuesOf(() => tf.tile(tf.mean(cyclesOf(seen), 0, true), [count, 1])),

  /** Ridge regression of each channel at each phase on the parameters. */
  linear: (space, seen, asked) =>
    valuesOf(() => tf.matMul(regressors(space, asked), ridge(regressors(space, seen), cyclesOf(seen), LAMBDA))),
};

const valuesOf = (compute: () => tf.Tensor): Float32Array => tf.tidy(() => compute().dataSync() as Float32Array);

/** The mean of a motion's two cycles, `[N, 30·101]`. */
const cyclesOf = ({ motions, count }: Motions): tf.Tensor2D =>
  tf.mean(tf.tensor3d(motions, [count, 2, CYCLE]), 1) as tf.Tensor2D;

/** Normalised parameters and a one for the offset, `[N, P + 1]`. */
function regressors(space: ParameterSpace, { params, count }: Motions): tf.Tensor2D {
  const shares = tf.tensor2d(normalizedParamState(space, params), [count, space.parameters.length]);
  return tf.concat([shares, tf.ones([count, 1])], 1) as tf.Tensor2D;
}
