import * as tf from "@tensorflow/tfjs-core";
import { jvp } from "../../../core/autodiff/jvp.ts";
import type { Batch } from "../../../core/state.ts";

/** The average velocity u(z, r, t) of a model, other inputs held fixed. */
export type AverageVelocity = (inputs: Batch) => tf.Tensor;

/** du/dr along the velocity `v`: the JVP of (z, r) ↦ u at the tangents (v, 1). `[B, D]`. */
export function totalDerivative(u: AverageVelocity, inputs: Batch, v: tf.Tensor): tf.Tensor {
  const f = (...[z, r]: tf.Tensor[]): tf.Tensor => u({ ...inputs, z: z!, r: r! });
  return jvp(f, [inputs["z"]!, inputs["r"]!], [v, tf.onesLike(inputs["r"]!)]).tangent;
}
