import * as tf from "@tensorflow/tfjs-core";
import { withoutGradient } from "../../../core/autodiff/stop-gradient.ts";
import type { Repeat, StepRandom } from "../../../core/state.ts";
import { type Box, clipTo } from "./box.ts";
import { actionGradient, type Energy } from "./energy.ts";
import type { LangevinOptions } from "./options.ts";

/** λ_k = (initial − final)·(1 − k/(K−1))^power + final for k in [0, K): the first step has the initial size. */
export function stepSizes({ iterations, stepSize }: Pick<LangevinOptions, "iterations" | "stepSize">): number[] {
  const { initial, final, power } = stepSize;
  const last = Math.max(1, iterations - 1);
  return Array.from({ length: iterations }, (_, k) => (initial - final) * (1 - k / last) ** power + final);
}

/**
 * Langevin dynamics as implicit behavioural cloning practises it (Florence et al. 2021, `mcmc.py`): K times
 *
 *     Δ = λ_k·(½·∂E/∂a + noise·N(0, I)),   |Δ| ≤ deltaClip·½·(high − low),   a ← clip(a − Δ, low, high)
 *
 * The noise is scaled by λ_k and not by its root, so this is a search that cools down and not a sampler of exp(−E); the
 * bound on Δ keeps early steps local. `start` and the result are `[B, n, N]`. The chain carries no gradient.
 * One `repeat`: what `energy` computes of the observation alone leaves the loop on the graph engine.
 */
export function langevin(
  energy: Energy,
  start: tf.Tensor,
  { low, high, noise, deltaClip, ...schedule }: LangevinOptions & Box,
  random: StepRandom,
  repeat: Repeat,
): tf.Tensor {
  return withoutGradient(() => {
    const sizes = tf.tensor1d(stepSizes(schedule));
    const reach = tf.mul(tf.sub(high, low), (deltaClip ?? 0) / 2);
    const reachable: Box = { low: tf.neg(reach), high: reach };
    const end = repeat(schedule.iterations, { action: start }, ({ action }, k) => {
      const pull = tf.mul(actionGradient(energy, action!), 0.5);
      const push = tf.mul(random.normal(start.shape), noise);
      const delta = tf.mul(tf.add(pull, push), tf.gather(sizes, k));
      return { action: clipTo({ low, high }, tf.sub(action!, deltaClip === null ? delta : clipTo(reachable, delta))) };
    });
    return end["action"]!;
  });
}
