import * as tf from "@tensorflow/tfjs-core";
import { float32 } from "../../../core/data/host-tensor.ts";
import { createStream } from "../../../core/random.ts";
import type { Inference, Model } from "../../../core/task.ts";
import { poseRows, type Regime, samplePairs } from "./data.ts";
import type { Chain, ChainJoint } from "./robot/chain.ts";
import { forwardKinematicsBatch } from "./robot/kinematics.ts";
import { middleConfiguration } from "./robot/sampling.ts";

export interface SolveOptions {
  /** Flow steps from the reference (time 0) to the solution (time 1). */
  readonly steps: number;
  /** `average` takes u(q, a, b), as MeanFlow trains; `instantaneous` takes u(q, a, a), as flow matching trains. */
  readonly velocity: "average" | "instantaneous";
}

/**
 * Joints `[B, D]` for poses `[B, 7]` from references `[B, D]`: q ← q + (b − a)·u(q, a, b) over `steps` equal intervals,
 * then clamped to the joint limits. One step is q = q_ref + u(q_ref, 0, 1). Poses need not be canonical or normalised.
 */
export function solver(chain: Chain, model: Model, { steps, velocity }: SolveOptions, regime: Regime): Inference {
  const { joints } = chain;
  const middle = middleConfiguration(chain);
  const unit = joints.every(isPrismatic) ? "m" : joints.some(isPrismatic) ? "rad or m" : "rad";
  return {
    inputs: {
      pose: {
        shape: [7],
        unit: "m",
        description: "target of the link: x y z (m), quaternion qw qx qy qz of either sign and any length but zero",
      },
      reference: {
        shape: [joints.length],
        unit,
        description: "where the solution is looked for from, such as the present joints",
        default: middle,
      },
    },
    outputs: {
      joints: { shape: [joints.length], unit, description: "the solution, inside the joint limits" },
      within_limits: {
        shape: [],
        dtype: "int32",
        description: "0 where the network's own answer left the joint limits and was clamped, else 1",
      },
    },
    metadata: {
      robot: chain.description.name,
      base: chain.base,
      link: chain.tip,
      joints: joints.map(({ name }) => name),
      joint_types: joints.map(({ type }) => type),
      lower: joints.map(({ continuous, lower }) => (continuous ? null : lower)),
      upper: joints.map(({ continuous, upper }) => (continuous ? null : upper)),
      regime: regime.regime,
      flow_steps: steps,
      /** Where the link is at the default reference: x y z (m), qw qx qy qz. */
      reference_pose: Array.from(poseRows(forwardKinematicsBatch(chain, Float64Array.from(middle)))),
    },
    run(params, inputs) {
      const pose = canonicalPoses(inputs["pose"]!);
      let q: tf.Tensor = inputs["reference"]!;
      const rows = q.shape[0]!;
      for (let i = 0; i < steps; i++) {
        const r = tf.fill([rows, 1], i / steps);
        const t = velocity === "average" ? tf.fill([rows, 1], (i + 1) / steps) : r;
        q = tf.add(q, tf.mul(model.apply(params, { z: q, r, t, pose }), 1 / steps));
      }
      const clamped = clamp(joints, q);
      const cut = tf.max(tf.abs(tf.sub(q, clamped)), 1);
      return { joints: clamped, within_limits: tf.cast(tf.lessEqual(cut, ROUNDING), "int32") };
    },
    examples(count) {
      const { sources, poses } = samplePairs(chain, createStream(0, "ik/examples"), count, regime);
      return {
        pose: float32(poseRows(poses), [count, 7]),
        reference: float32(Float32Array.from(sources), [count, joints.length]),
      };
    },
  };
}

const isPrismatic = ({ type }: ChainJoint): boolean => type === "prismatic";

/** What float32 may be off by: beside a limit (rad or m), or a component of a quaternion beside zero. */
const ROUNDING = 1e-6;

/** Rows x y z qw qx qy qz with quaternions as in training: of unit length, the first of their components above zero. */
function canonicalPoses(pose: tf.Tensor): tf.Tensor {
  const quaternion = tf.slice(pose, [0, 3], [-1, 4]);
  const unit = tf.div(quaternion, tf.sqrt(tf.sum(tf.square(quaternion), 1, true)));
  const signs = tf.sub(tf.cast(tf.greater(unit, ROUNDING), "float32"), tf.cast(tf.less(unit, -ROUNDING), "float32"));
  // In this sum the first sign that is not zero outweighs those after it.
  const leading = tf.sum(tf.mul(signs, tf.tensor2d([[8, 4, 2, 1]])), 1, true);
  const flipped = tf.where(tf.less(leading, 0), tf.neg(unit), unit);
  return tf.concat([tf.slice(pose, [0, 0], [-1, 3]), flipped], 1);
}

/** Continuous joints have no limits. The others' are rounded inwards: 2.8973 as float32 is 5e-8 outside of 2.8973. */
function clamp(joints: readonly ChainJoint[], q: tf.Tensor): tf.Tensor {
  const row = (limit: (joint: ChainJoint) => number): tf.Tensor2D => tf.tensor2d([joints.map(limit)]);
  const lower = row(({ continuous, lower }) => (continuous ? Number.NEGATIVE_INFINITY : -atMost(-lower)));
  const upper = row(({ continuous, upper }) => (continuous ? Number.POSITIVE_INFINITY : atMost(upper)));
  return tf.minimum(tf.maximum(q, lower), upper);
}

/** The largest float32 that is not above `value`. */
function atMost(value: number): number {
  const near = Math.fround(value);
  return near <= value ? near : Math.fround(value - Math.abs(value) * 2 ** -24);
}
