import { errors } from "../errors.ts";
import type { Shape } from "./node.ts";

export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw unfitting("broadcast", a, b);
    return x === 1 ? y : x;
  });
}

export const reducedShape = (shape: Shape, axes: readonly number[], keepDims: boolean): number[] =>
  keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));

export const unfitting = (op: string, a: Shape, b: Shape) =>
  errors.MF_INTERNAL({ problem: `graph: ${op} of [${a}] and [${b}] do not fit.` });
