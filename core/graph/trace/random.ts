import type { RandomStream } from "../../random.ts";
import { sizeOf } from "../node.ts";

/** A draw that the step makes: which values fill the graph's input `name`. */
export interface Draw {
  readonly name: string;
  readonly kind: "normal" | "uniform";
  readonly shape: readonly number[];
  readonly min: number;
  readonly max: number;
}

/** The draws of a step in the order they are made; those inside a loop are made anew each iteration. */
export type DrawPlan = readonly (Draw | { readonly times: number; readonly draws: DrawPlan })[];

/**
 * Fills the arrays of all draws from a stream, in the order the eager step would draw them: the same numbers. A draw
 * inside a loop has an array with the iterations' values one after the other.
 */
export function fillDraws(plan: DrawPlan, stream: RandomStream, arrays: (name: string) => Float32Array): void {
  const next = new Map<string, number>();
  const fill = (draws: DrawPlan): void => {
    for (const draw of draws) {
      if ("times" in draw) {
        for (let i = 0; i < draw.times; i++) fill(draw.draws);
        continue;
      }
      const from = next.get(draw.name) ?? 0;
      const size = sizeOf(draw.shape);
      const values = draw.kind === "normal" ? stream.normals(size) : stream.uniforms(size, draw.min, draw.max);
      arrays(draw.name).set(values, from);
      next.set(draw.name, from + size);
    }
  };
  fill(plan);
}
