import { type Node, needed } from "./node.ts";

/** The first node in which two recordings of one step differ; null when they are the same. */
export function firstDifference(
  first: Readonly<Record<string, Node>>,
  second: Readonly<Record<string, Node>>,
): { readonly node: Node; readonly difference: string } | null {
  const [a, b] = [needed(Object.values(first)), needed(Object.values(second))];
  const place = new Map<Node, number>();
  const other = new Map<Node, number>();
  for (const [i, node] of a.entries()) {
    const twin = b[i];
    if (twin === undefined) return { node, difference: `${node.op} is missing the second time` };
    place.set(node, i);
    other.set(twin, i);
    const wired = (n: Node, places: Map<Node, number>): string =>
      [...n.inputs, ...(n.body?.results ?? [])].map((input) => places.get(input)).join();
    // Equal constants are one node, whoever recorded them; what a changed one is used in tells more.
    const user = (): Node => b.find(({ inputs }) => inputs.includes(twin)) ?? twin;
    if (typed(node) !== typed(twin) || wired(node, place) !== wired(twin, other)) {
      return { node: twin, difference: `${typed(node)} became ${typed(twin)}` };
    }
    if (written(node) !== written(twin)) {
      return { node: user(), difference: `${node.op} ${written(node)} became ${written(twin)}` };
    }
    if (node.values?.some((value, k) => !Object.is(value, twin.values![k])) === true) {
      return { node: user(), difference: `a constant [${node.shape}] changed` };
    }
  }
  return b.length > a.length ? { node: b[a.length]!, difference: `${b[a.length]!.op} is new the second time` } : null;
}

const typed = ({ op, shape, dtype }: Node): string => `${op} ${dtype}[${shape}]`;

const written = ({ attrs }: Node): string =>
  Object.entries(attrs)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
