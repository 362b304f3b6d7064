import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { isPushingForward, withoutTangents } from "./forward-mode.ts";
import { isTapeOn, withoutTape } from "./tape.ts";

/**
 * Runs `f`; its result is a constant to every gradient and `jvp` around it, and nothing inside is recorded.
 * Cheaper than `stopGradient(f())`, which records `f` and then cuts it off.
 */
export const withoutGradient = <T>(f: () => T): T => withoutTangents(() => withoutTape(f));

/**
 * The value of `x` with a derivative of zero, in reverse and in forward mode.
 * No zeros are sent back through what made `x`, so an infinite derivative there cannot turn into NaN. To stock `tf.grad`
 * a function of nothing but stopped values does not depend on its argument, which it refuses; `valueAndGrads` gives zero.
 */
export const stopGradient = <T extends Tensor>(x: T): T => withoutGradient(() => tf.clone(x));

/** True where a gradient or a `jvp` follows what is computed. */
export const isDifferentiating = (): boolean => isTapeOn() || isPushingForward();
