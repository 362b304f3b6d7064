import type { Tensor } from "@tensorflow/tfjs-core";

/** Tensors by dotted or slashed path. Flat, so that metrics, checkpoints and graph inputs share one spelling. */
export type Tree = Readonly<Record<string, Tensor>>;

/** Applies `f` to every leaf, keeping the paths. */
export const mapTree = <T, U>(f: (leaf: T, path: string) => U, tree: Readonly<Record<string, T>>): Record<string, U> =>
  Object.fromEntries(Object.entries(tree).map(([path, leaf]) => [path, f(leaf, path)]));

/** The leaves below `prefix/`, with the prefix removed. */
export function subtree<T>(tree: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const start = `${prefix}/`;
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([path]) => path.startsWith(start))
      .map(([path, leaf]) => [path.slice(start.length), leaf]),
  );
}

/** The same leaves under `prefix/`. */
export const prefixed = <T>(prefix: string, tree: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(tree).map(([path, leaf]) => [`${prefix}/${path}`, leaf]));
