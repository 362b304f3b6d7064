import * as tf from "@tensorflow/tfjs-core";
import { toHost } from "../../../core/checkpoint/snapshot.ts";
import type { Model } from "../../../core/task.ts";
import type { Tree } from "../../../core/tree.ts";
import { type Normalizer, normalizedAction, normalizeWindows } from "./normalizer.ts";

/** The energies of setpoints in the unit square, seen from one window of observations. */
export interface Landscape {
  /** Setpoints along each axis, in the middles of that many equal cells. */
  readonly resolution: number;
  /** Row by row from the lowest second coordinate, `[resolution²]`. */
  readonly energies: Float32Array;
}

/** The landscape of an implicit policy in 2-D at a window `[2·8]`, the older observation first. */
export function energyLandscape(
  model: Model,
  params: Tree,
  normalizer: Normalizer,
  window: Float64Array,
  resolution: number,
): Landscape {
  const grid = new Float32Array(2 * resolution ** 2);
  for (let i = 0; i < resolution ** 2; i++) {
    for (const [d, cell] of [i % resolution, Math.floor(i / resolution)].entries()) {
      grid[2 * i + d] = normalizedAction(normalizer, (cell + 0.5) / resolution, d);
    }
  }
  const result = tf.tidy(() => {
    const observation = normalizeWindows(normalizer, tf.tensor3d(Float32Array.from(window), [1, 2, 8]));
    return { energies: model.apply(params, { observation, action: tf.tensor3d(grid, [1, resolution ** 2, 2]) }) };
  });
  const energies = toHost(result)["energies"]!.data as Float32Array;
  tf.dispose(result);
  return { resolution, energies };
}
