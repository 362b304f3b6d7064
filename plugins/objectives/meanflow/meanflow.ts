import * as tf from "@tensorflow/tfjs-core";
import type { Batch } from "../../../core/state.ts";
import { type AverageVelocity, totalDerivative } from "../flow/derivative.ts";
import { firstRows } from "../flow/path.ts";

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
