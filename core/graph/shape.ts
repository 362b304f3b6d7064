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

/**
 * How many elements of a result lie side by side for which an operand that broadcasts to it either advances or stays:
 * 2 for `[B, 1, 2]` or `[2]` in `[B, 8, 2]`, all of them for a scalar.
 */
export function broadcastRun(operand: Shape, shape: Shape): number {
  const aligned = [...new Array<number>(shape.length - operand.length).fill(1), ...operand];
  let run = 1;
  let advances: boolean | null = null;
  for (const [i, d] of [...shape.entries()].toReversed()) {
    if (d === 1) continue;
    advances ??= aligned[i] === d;
    if (advances !== (aligned[i] === d)) break;
    run *= d;
  }
  return run;
}
