import * as tf from "@tensorflow/tfjs-core";

/**
 * Runs `f` as if no gradient were being taken outside: what it computes is a constant to every outer gradient.
 * A gradient taken inside `f` works, and sees only what `f` itself recorded.
 */
export function withoutTape<T>(f: () => T): T {
  const { state } = tf.engine();
  const { gradientDepth, kernelDepth, activeTape } = state;
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  try {
    return f();
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape });
  }
}

/** True where kernels are recorded for a gradient. */
export const isTapeOn = (): boolean => {
  const { gradientDepth, kernelDepth } = tf.engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
};
