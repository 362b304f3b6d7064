import * as tf from "@tensorflow/tfjs-core";
import { jvp } from "../../../core/autodiff/jvp.ts";
import type { Batch } from "../../../core/state.ts";
import { firstRows } from "../flow/path.ts";

/** The average velocity u(z, r, t) of a model, other inputs held fixed. */
export type AverageVelocity = (inputs: Batch) => tf.Tensor;

/**
 * The regression target of MeanFlow (Geng et al. 2025), in forward time. The average velocity from r to t, given the
 * state at the START r, obeys
 *
 *     u(z_r, r, t) = v + (t − r)·du/dr,   du/dr = ∂u/∂z·v + ∂u/∂r   (t held fixed)
 *
 * which follows from (t − r)·u = ∫_r^t v by differentiating in r. du/dr is one forward-mode product with the tangents
 * (v, 1, 0) on (z, r, t). Where t = r the target is v, so only the first `distinct` rows of the batch are differentiated.
 *
 * `batch` holds z `[B, D]`, v `[B, D]`, r and t `[B, 1]`, and the model's other inputs. Returns `[B, D]`.
 */
export function meanFlowTarget(u: AverageVelocity, batch: Batch, distinct: number): tf.Tensor {
  const v = batch["v"]!;
  if (distinct === 0) return v;
  const rows = firstRows(batch, distinct);
  const along = totalDerivative(u, rows, rows["v"]!);
  const moved = tf.add(rows["v"]!, tf.mul(tf.sub(rows["t"]!, rows["r"]!), along));
  return distinct === v.shape[0] ? moved : tf.concat([moved, tf.slice(v, [distinct, 0], [-1, -1])], 0);
}

/** du/dr along the velocity `v`: the JVP of (z, r) ↦ u at the tangents (v, 1). `[B, D]`. */
export function totalDerivative(u: AverageVelocity, inputs: Batch, v: tf.Tensor): tf.Tensor {
  const f = (...[z, r]: tf.Tensor[]): tf.Tensor => u({ ...inputs, z: z!, r: r! });
  return jvp(f, [inputs["z"]!, inputs["r"]!], [v, tf.onesLike(inputs["r"]!)]).tangent;
}
