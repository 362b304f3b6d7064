import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";

/** (8(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h along `tangents`: error O(h⁴). */
export function directionalDifference(
  f: (...xs: Tensor[]) => Tensor,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  h = 1e-2,
): number[] {
  const at = (step: number): number[] => {
    const y = tf.tidy(() =>
      f(
        ...primals.map((x, i) => {
          const tangent = tangents[i];
          return tangent == null ? x : tf.add(x, tf.mul(tangent, step));
        }),
      ),
    );
    const values = [...y.dataSync()];
    y.dispose();
    return values;
  };
  const [far, near, nearBack, farBack] = [at(2 * h), at(h), at(-h), at(-2 * h)];
  return near.map((value, i) => (8 * (value - nearBack[i]!) - (far[i]! - farBack[i]!)) / (12 * h));
}

/** The gradient of a scalar function of one tensor, entry by entry. */
export function differenceGradient(f: (x: Tensor) => Tensor, x: Tensor, h = 1e-2): number[] {
  return Array.from({ length: x.size }, (_, i) => {
    const unit = tf.tensor(
      Array.from({ length: x.size }, (_, j) => (i === j ? 1 : 0)),
      x.shape,
    );
    return directionalDifference((y) => tf.sum(f(y)), [x], [unit], h)[0]!;
  });
}

/** The largest |a − b| / max(1, |b|). */
export const worstError = (a: Iterable<number>, b: readonly number[]): number =>
  Math.max(...[...a].map((value, i) => Math.abs(value - b[i]!) / Math.max(1, Math.abs(b[i]!))));

/** `size` numbers without pattern in [low, high]. */
export const spread = (size: number, low: number, high: number, phase = 0): number[] =>
  Array.from({ length: size }, (_, i) => low + (high - low) * ((0.137 + phase + i * 0.618034) % 1));
