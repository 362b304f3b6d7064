import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { errors } from "../errors.ts";
import { pushForward } from "./forward-mode.ts";

export { registerJvpRule } from "./forward-mode.ts";
export type { JvpRule, KernelCall } from "./jvp-rule.ts";

type Tangents<P extends readonly Tensor[]> = { readonly [I in keyof P]: P[I] | null };

/**
 * `f(...primals)` and its directional derivative `J·tangents`, in one forward sweep (forward mode).
 * Each tangent has its primal's shape; null means the primal is held constant. Only the arguments of `f` vary: a tensor
 * that `f` takes from outside is a constant. `value` is recorded on an outer tape as usual. `tangent` is not: it is a
 * constant to an outer gradient (recorded, it would make the backward pass several times as long). Inside another `jvp`
 * both carry tangents, and `f` may itself take gradients.
 * Throws MF_JVP_SHAPE, and MF_JVP_NO_RULE for a kernel without a rule.
 */
export function jvp<P extends readonly Tensor[] | [], T extends Tensor>(
  f: (...primals: P) => T,
  primals: P,
  tangents: Tangents<P>,
): { value: T; tangent: T } {
  checkTangents(primals, tangents);
  return tf.tidy(() => {
    // Copies, so that the same tensor may be passed twice and a gradient inside `f` walks no outer tape.
    const leaves = primals.map((x) => tf.clone(x));
    return pushForward(() => f(...(leaves as unknown as P)), leaves, tangents);
  });
}

/**
 * The same by reverse mode twice: `w ↦ Jᵀw` is linear, so its gradient along `tangents` is `J·tangents`.
 * About twice the work of `jvp`, and needs second derivatives; it knows every kernel that tfjs can differentiate twice.
 * Here the tangent stays on an outer tape.
 */
export function jvpByDoubleVjp<P extends readonly Tensor[] | [], T extends Tensor>(
  f: (...primals: P) => T,
  primals: P,
  tangents: Tangents<P>,
): { value: T; tangent: T } {
  checkTangents(primals, tangents);
  return tf.tidy(() => {
    const leaves = primals.map((x) => tf.clone(x));
    const value = f(...(leaves as unknown as P));
    const varying = leaves.flatMap((leaf, i) =>
      tangents[i] == null ? [] : [{ leaf, tangent: tangents[i] as Tensor }],
    );
    if (varying.length === 0) return { value, tangent: tf.zeros(value.shape) as T };

    const engine = tf.engine();
    const alongTangents = (w: Tensor): Tensor => {
      const loss = () => tf.sum(tf.mul(f(...(leaves as unknown as P)), w));
      const { grads } = engine.gradients(
        loss,
        varying.map(({ leaf }) => leaf),
        undefined,
        true,
      );
      const terms = varying.flatMap(({ tangent }, i) => (grads[i] == null ? [] : [tf.sum(tf.mul(grads[i]!, tangent))]));
      return terms.length === 0 ? tf.scalar(0) : tf.addN(terms);
    };
    const w = tf.zeros(value.shape);
    const { grads } = engine.gradients(() => alongTangents(w), [w], undefined, true);
    return { value, tangent: (grads[0] ?? tf.zeros(value.shape)) as T };
  });
}

function checkTangents(primals: readonly Tensor[], tangents: readonly (Tensor | null)[]): void {
  if (tangents.length !== primals.length)
    throw errors.MF_JVP_COUNT({ primals: primals.length, tangents: tangents.length });
  primals.forEach((primal, index) => {
    const tangent = tangents[index];
    if (tangent != null && !tf.util.arraysEqual(tangent.shape, primal.shape))
      throw errors.MF_JVP_SHAPE({ index, primal: primal.shape, tangent: tangent.shape });
  });
}
