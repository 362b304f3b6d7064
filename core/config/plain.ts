/** A key that would reach into an object's prototype. */
export const refusedKey = "__proto__";

export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

/** The values in a tree of plain objects, each with its path; an empty object is a value. */
export function leavesOf(value: unknown, path: readonly string[] = []): [path: readonly string[], value: unknown][] {
  if (!isPlainObject(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** `{ a: { b: 1 } }` of [["a", "b"], 1] and so on; a later value replaces an earlier one. */
export function treeOf(
  leaves: readonly (readonly [path: readonly string[], value: unknown])[],
): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of leaves) {
    let at = tree;
    for (const key of path.slice(0, -1)) {
      const inner = Object.hasOwn(at, key) ? at[key] : undefined;
      const next = isPlainObject(inner) ? inner : {};
      at[key] = next;
      at = next;
    }
    at[path.at(-1)!] = value;
  }
  return tree;
}
