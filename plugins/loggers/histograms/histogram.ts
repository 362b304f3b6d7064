import type { Histogram } from "../../../core/metrics/media.ts";

/**
 * Counts values in bins of equal width from the smallest to the largest, as NumPy's `histogram` does: a bin holds its left
 * edge, the last one its right edge too, and equal values lie in the middle of a range of 1. Null where a value is not finite.
 */
export function histogramOf(values: ArrayLike<number>, bins: number): Histogram | null {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    if (!Number.isFinite(value)) return null;
  }
  if (values.length === 0) return null;
  if (min === max) [min, max] = [min - 0.5, max + 0.5];
  const width = (max - min) / bins;
  const edges = Array.from({ length: bins + 1 }, (_, i) => (i === bins ? max : min + i * width));
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let bin = Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins));
    // The division may round a value across an edge.
    if (value < edges[bin]!) bin -= 1;
    else if (bin < bins - 1 && value >= edges[bin + 1]!) bin += 1;
    counts[bin]! += 1;
  }
  return { kind: "histogram", edges, counts };
}
