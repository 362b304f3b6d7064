import type { Builder, Draft } from "../builder.ts";
import { binaryOps, comparisonOps, type Node, needed, reductionOps, unaryOps } from "../node.ts";

/** `full` restricted to its first entries along `axis`: what the node that has this equals. */
interface Prefix {
  readonly full: Node;
  readonly axis: number;
}

const elementwise: ReadonlySet<string> = new Set([...unaryOps, ...binaryOps, ...comparisonOps, "Where", "Cast"]);
const reductions: ReadonlySet<string> = new Set(reductionOps);
const commutative: ReadonlySet<string> = new Set(["Add", "Mul", "Max", "Min", "Equal", "And", "Or"]);

/**
 * Finds what is computed twice, once for all rows and once for the first few (the network's forward pass, again for the
 * rows that a JVP needs), and slices the few out of the many. Returns the results rewritten; graphs with loops as they are.
 */
export function shareRows(results: Readonly<Record<string, Node>>, build: Builder): Record<string, Node> {
  const nodes = needed(Object.values(results));
  if (nodes.some(({ op }) => op === "Loop")) return { ...results };
  const prefixes = new Map<Node, Prefix[]>();
  const note = (node: Node, prefix: Prefix): void => {
    const known = prefixes.get(node) ?? [];
    if (!known.some(({ full, axis }) => full === prefix.full && axis === prefix.axis)) {
      prefixes.set(node, [...known, prefix]);
    }
  };
  for (const node of nodes) {
    if (node.op === "Slice") noteSlice(node, build, note);
    if (node.op === "Concat") noteConcat(node, note);
  }

  // A node that nothing needs would have to be computed for all rows first.
  const live = new Set(nodes);
  const replaced = new Map<Node, Node>();
  for (const node of nodes) {
    for (const { full, axis } of lifted(node, prefixes, build)) {
      if (!live.has(full)) continue;
      note(node, { full, axis });
      if (!replaced.has(node) && !dependsOn(full, node, replaced)) replaced.set(node, full);
    }
  }
  return replaced.size === 0 ? { ...results } : rewritten(results, replaced, build);
}

/** A slice is a prefix of what it is cut from, or, cut along several axes, of the same cut without one of them. */
function noteSlice(slice: Node, build: Builder, note: (node: Node, prefix: Prefix) => void): void {
  const from = slice.inputs[0]!;
  const begin = slice.attrs["begin"] as number[];
  const cut = slice.shape.flatMap((d, axis) => (d === from.shape[axis] ? [] : [axis]));
  if (!(slice.attrs["strides"] as number[]).every((s) => s === 1)) return;
  for (const axis of cut.filter((axis) => begin[axis] === 0)) {
    const wider = build.find({ ...slice, shape: slice.shape.with(axis, from.shape[axis]!) });
    const full = cut.length === 1 ? from : wider;
    if (full !== null) note(slice, { full, axis });
  }
}

function noteConcat(concat: Node, note: (node: Node, prefix: Prefix) => void): void {
  note(concat.inputs[0]!, { full: concat, axis: concat.attrs["axis"] as number });
}

/** Existing nodes that do to whole operands what `node` does to their first entries. */
function lifted(node: Node, prefixes: ReadonlyMap<Node, readonly Prefix[]>, build: Builder): Prefix[] {
  const found: Prefix[] = [];
  const tried = new Set<string>();
  for (const [i, operand] of node.inputs.entries()) {
    for (const { full, axis: operandAxis } of prefixes.get(operand) ?? []) {
      const axis = resultAxis(node, i, operandAxis);
      const length = full.shape[operandAxis]!;
      if (axis === null || tried.has(`${axis},${length}`)) continue;
      tried.add(`${axis},${length}`);
      const wholes = node.inputs.map((input, k) => wholeOperand(node, input, k, axis, length, prefixes, build));
      const existing = combinations(wholes).flatMap((inputs) => {
        const draft: Draft = { ...node, inputs, shape: node.shape.with(axis, length) };
        const swapped = commutative.has(node.op) ? build.find({ ...draft, inputs: inputs.toReversed() }) : null;
        return build.find(draft) ?? swapped ?? [];
      });
      for (const whole of existing) if (whole !== node) found.push({ full: whole, axis });
    }
  }
  return found;
}

/** What may stand for an operand when the result is whole along `axis`; none if it is only known in part. */
function wholeOperand(
  node: Node,
  operand: Node,
  index: number,
  axis: number,
  length: number,
  prefixes: ReadonlyMap<Node, readonly Prefix[]>,
  build: Builder,
): readonly Node[] {
  const own = operandAxis(node, index, axis);
  if (own === null) return [operand];
  if (operand.op === "Splat") {
    return [build.splat(operand.attrs["value"] as number, operand.shape.with(own, length), operand.dtype)];
  }
  return (prefixes.get(operand) ?? []).flatMap((p) => (p.axis === own && p.full.shape[own] === length ? [p.full] : []));
}

const combinations = (choices: readonly (readonly Node[])[]): Node[][] =>
  choices.reduce<Node[][]>((all, options) => all.flatMap((chosen) => options.map((o) => [...chosen, o])), [[]]);

/** Where an operand's axis is in the result; null where an entry of the result needs more than one along it. */
function resultAxis(node: Node, index: number, axis: number): number | null {
  const operand = node.inputs[index]!;
  const { op, attrs, shape } = node;
  if (elementwise.has(op)) return operand.shape[axis] === 1 ? null : axis + shape.length - operand.shape.length;
  if (reductions.has(op)) {
    const axes = attrs["axes"] as number[];
    if (axes.includes(axis)) return null;
    return attrs["keepDims"] === true ? axis : axis - axes.filter((reduced) => reduced < axis).length;
  }
  switch (op) {
    case "MatMul": {
      const fromEnd = operand.shape.length - axis;
      if (fromEnd > 2) return shape.length - fromEnd;
      const turned = attrs[index === 0 ? "transposeA" : "transposeB"] === true;
      const isOuter = (fromEnd === 2) === (index === 0) ? !turned : turned;
      return isOuter ? shape.length - (index === 0 ? 2 : 1) : null;
    }
    case "Transpose":
      return (attrs["perm"] as number[]).indexOf(axis);
    case "Reshape":
      return alignedAxis(operand.shape, axis, shape);
    case "Concat":
      return attrs["axis"] === axis ? null : axis;
    case "Slice":
      return operand.shape[axis] === shape[axis] && (attrs["strides"] as number[])[axis] === 1 ? axis : null;
    case "Pad":
      return operand.shape[axis] === shape[axis] ? axis : null;
    default:
      return null;
  }
}

/** The inverse of `resultAxis`; null for an operand that is the same along it. */
function operandAxis(node: Node, index: number, axis: number): number | null {
  const operand = node.inputs[index]!;
  const own = operand.shape.findIndex((d, i) => d === node.shape[axis] && resultAxis(node, index, i) === axis);
  return own === -1 ? null : own;
}

/** The axis of `to` with as much before it, and the same length, as `axis` of `from`. */
function alignedAxis(from: readonly number[], axis: number, to: readonly number[]): number | null {
  const size = (dims: readonly number[]): number => dims.reduce((product, d) => product * d, 1);
  const before = size(from.slice(0, axis));
  const found = to.findIndex((d, i) => d === from[axis] && d !== 1 && size(to.slice(0, i)) === before);
  return found === -1 ? null : found;
}

/** True when `node`, with the replacements made so far, needs `other`. */
function dependsOn(node: Node, other: Node, replaced: ReadonlyMap<Node, Node>): boolean {
  const seen = new Set<Node>();
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === other) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    const full = replaced.get(next);
    stack.push(...(full === undefined ? next.inputs : [full]));
  }
  return false;
}

function rewritten(
  results: Readonly<Record<string, Node>>,
  replaced: ReadonlyMap<Node, Node>,
  build: Builder,
): Record<string, Node> {
  const made = new Map<Node, Node>();
  const sourcesOf = (node: Node): readonly Node[] => {
    const full = replaced.get(node);
    return full === undefined ? node.inputs : [full];
  };
  const remake = (node: Node): Node => {
    const sources = sourcesOf(node).map((source) => made.get(source)!);
    if (replaced.has(node)) {
      const start = node.shape.map(() => 0);
      return build.slice(sources[0]!, start, node.shape);
    }
    const same = sources.every((source, i) => source === node.inputs[i]);
    return same ? node : build.add(node.op, sources, node.attrs, node.shape, node.dtype);
  };
  // With a stack of its own: a graph may be deeper than the call stack.
  const stack = Object.values(results);
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const missing = made.has(node) ? [] : sourcesOf(node).filter((source) => !made.has(source));
    if (missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    if (!made.has(node)) made.set(node, remake(node));
    stack.pop();
  }
  return Object.fromEntries(Object.entries(results).map(([name, node]) => [name, made.get(node)!]));
}
