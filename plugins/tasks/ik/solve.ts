import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";

export interface SolveOptions {
  /** Flow steps from the reference (time 0) to the solution (time 1). */
  readonly steps: number;
  /** `average` takes u(q, a, b), as MeanFlow trains; `instantaneous` takes u(q, a, a), as flow matching trains. */
  readonly velocity: "average" | "instantaneous";
}

const rowsAtOnce = 4096;

/**
 * Joints from the network: q ← q + (b − a)·u(q, a, b | pose) over `steps` equal intervals. One step is
 * q = q_ref + u(q_ref, 0, 1). `reference` `[N·D]` in rad, `poses` `[N·7]`; returns `[N·D]`, within limits or not.
 */
export function solveByFlow(
  model: Model,
  params: Tree,
  joints: number,
  reference: Float32Array,
  poses: Float32Array,
  { steps, velocity }: SolveOptions,
): Float32Array {
  const count = reference.length / joints;
  const out = new Float32Array(reference.length);
  for (let from = 0; from < count; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, count - from);
    const solved = tf.tidy(() => {
      let q: tf.Tensor = tf.tensor2d(reference.subarray(from * joints, (from + rows) * joints), [rows, joints]);
      const pose = tf.tensor2d(poses.subarray(from * 7, (from + rows) * 7), [rows, 7]);
      for (let i = 0; i < steps; i++) {
        const r = tf.fill([rows, 1], i / steps);
        const t = velocity === "average" ? tf.fill([rows, 1], (i + 1) / steps) : r;
        q = tf.add(q, tf.mul(model.apply(params, { z: q, r, t, pose }), 1 / steps));
      }
      return q.dataSync() as Float32Array;
    });
    out.set(solved, from * joints);
  }
  return out;
}
