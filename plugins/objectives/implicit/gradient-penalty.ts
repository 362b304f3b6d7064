import * as tf from "@tensorflow/tfjs-core";
import { stopGradient } from "../../../core/autodiff/stop-gradient.ts";
import { actionGradient, type Energy } from "./energy.ts";

/**
 * The mean over actions `[B, n, N]` of max(0, ‖∂E/∂a‖_∞ − margin)² (Florence et al. 2021): keeps the energy from becoming
 * so steep that a Langevin step of given size overshoots. Actions are constants; what is differentiated again, with
 * respect to the parameters inside `energy`, is the gradient.
 */
export function gradientPenalty(energy: Energy, action: tf.Tensor, margin: number): tf.Scalar {
  const norm = tf.max(tf.abs(actionGradient(energy, stopGradient(action))), 2);
  return tf.mean(tf.square(tf.relu(tf.sub(norm, margin))));
}
