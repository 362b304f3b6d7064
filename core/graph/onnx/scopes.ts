import type { Node } from "../node.ts";

const NONE: ReadonlySet<Node> = new Set();

/**
 * The loop that each node is computed in, or null outside of all: the innermost on whose LoopInputs it depends. So what
 * a loop does not change is computed once, outside. `order` has inputs before users.
 */
export function loopsOf(order: readonly Node[]): (node: Node) => Node | null {
  const owner = new Map<Node, Node>();
  for (const loop of order) {
    if (loop.body !== undefined)
      for (const entry of [loop.body.iteration, ...loop.body.carried]) owner.set(entry, loop);
  }
  const around = new Map<Node, ReadonlySet<Node>>();
  for (const node of order) {
    const all = new Set(
      [node, ...node.inputs, ...(node.body?.results ?? [])].flatMap((n) => [...(around.get(n) ?? [])]),
    );
    const own = owner.get(node);
    if (own !== undefined) all.add(own);
    all.delete(node);
    around.set(node, all.size === 0 ? NONE : all);
  }
  // An inner loop depends on all that are around it, so the innermost depends on most.
  const depth = (loop: Node): number => around.get(loop)!.size;
  return (node) => {
    let innermost: Node | null = null;
    for (const loop of around.get(node) ?? NONE) {
      if (innermost === null || depth(loop) > depth(innermost)) innermost = loop;
    }
    return innermost;
  };
}
