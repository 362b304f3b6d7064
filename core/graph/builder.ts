import {
  type Attribute,
  type BinaryOp,
  comparisonOps,
  type DType,
  type LoopBody,
  type Node,
  type Op,
  type ReductionOp,
  type Shape,
  sameShape,
  sizeOf,
  type UnaryOp,
  type Values,
} from "./node.ts";
import { allRules } from "./rules/index.ts";
import { broadcastShape, reducedShape, unfitting } from "./shape.ts";

/** A node that is about to be made. */
export type Draft = Pick<Node, "op" | "inputs" | "attrs" | "shape" | "dtype">;

/** Replaces a node before it is made, by one of the same shape, type and value; null leaves it. */
export interface Rule {
  readonly name: string;
  readonly ops: readonly Op[];
  apply(draft: Draft, build: Builder): Node | null;
}

export type Builder = ReturnType<typeof createBuilder>;

/**
 * Makes nodes: infers shapes and types, simplifies by `rules` while it records, and gives equal nodes one identity.
 * `origin` tells who is recording. Shapes that do not fit are MF_INTERNAL: tfjs checked them before.
 */
export function createBuilder(rules: readonly Rule[] = allRules, origin: () => string | null = () => null) {
  const rulesOf = new Map<Op, Rule[]>();
  for (const rule of rules) for (const op of rule.ops) rulesOf.set(op, [...(rulesOf.get(op) ?? []), rule]);
  const known = new Map<string, Node>();
  let count = 0;

  const make = (draft: Draft, extra: { values?: Values; body?: LoopBody } = {}): Node => ({
    id: count++,
    ...draft,
    ...extra,
    origin: origin(),
  });
  const add = (
    op: Op,
    inputs: readonly Node[],
    attrs: Readonly<Record<string, Attribute>>,
    shape: Shape,
    dtype: DType,
  ): Node => {
    const draft: Draft = { op, inputs, attrs, shape, dtype };
    for (const rule of rulesOf.get(op) ?? []) {
      const better = rule.apply(draft, builder);
      if (better !== null) return better;
    }
    return once(keyOf(draft), () => make(draft));
  };
  const once = (key: string, create: () => Node): Node => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const node = create();
    known.set(key, node);
    return node;
  };

  const builder = {
    add,
    /** The node that is exactly this one, if it was made; no rule looks at it. */
    find: (draft: Draft): Node | null => known.get(keyOf(draft)) ?? null,
    input: (name: string, shape: Shape, dtype: DType = "float32"): Node => add("Input", [], { name }, shape, dtype),

    splat(value: number, shape: Shape, dtype: DType = "float32"): Node {
      const exact = dtype === "float32" ? Math.fround(value) : value;
      return add("Splat", [], { value: exact }, shape, dtype);
    },

    /** One value everywhere becomes a Splat. */
    constant(values: Values, shape: Shape, dtype: DType): Node {
      if (values.length > 0 && values.every((value) => Object.is(value, values[0]))) {
        return builder.splat(values[0]!, shape, dtype);
      }
      const draft: Draft = { op: "Const", inputs: [], attrs: {}, shape, dtype };
      const own = values.slice();
      if (own.length > 4096) return make(draft, { values: own });
      return once(`${keyOf(draft)}|${Array.from(own, written)}`, () => make(draft, { values: own }));
    },

    unary(op: UnaryOp, x: Node): Node {
      return add(op, [x], {}, x.shape, op === "Not" || op === "IsNaN" ? "bool" : x.dtype);
    },

    binary(op: BinaryOp, a: Node, b: Node): Node {
      const dtype = (comparisonOps as readonly string[]).includes(op) ? "bool" : a.dtype;
      return add(op, [a, b], {}, broadcastShape(a.shape, b.shape), dtype);
    },

    where(condition: Node, then: Node, otherwise: Node): Node {
      const shape = broadcastShape(broadcastShape(condition.shape, then.shape), otherwise.shape);
      return add("Where", [condition, then, otherwise], {}, shape, then.dtype);
    },

    cast: (x: Node, dtype: DType): Node => (x.dtype === dtype ? x : add("Cast", [x], {}, x.shape, dtype)),

    reduce(op: ReductionOp, x: Node, axes: readonly number[], keepDims: boolean): Node {
      if (axes.length === 0) return x;
      const sorted = axes.toSorted((a, b) => a - b);
      const shape = reducedShape(x.shape, sorted, keepDims);
      return add(op, [x], { axes: sorted, keepDims }, shape, x.dtype);
    },

    argExtremum: (op: "ArgMax" | "ArgMin", x: Node, axis: number): Node =>
      add(op, [x], { axis }, reducedShape(x.shape, [axis], false), "int32"),

    matmul(a: Node, b: Node, transposeA = false, transposeB = false): Node {
      const [m, k] = lastTwo(a.shape, transposeA);
      const [k2, n] = lastTwo(b.shape, transposeB);
      if (k !== k2) throw unfitting("MatMul", a.shape, b.shape);
      const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
      return add("MatMul", [a, b], { transposeA, transposeB }, shape, a.dtype);
    },

    reshape(x: Node, shape: Shape): Node {
      if (sizeOf(x.shape) !== sizeOf(shape)) throw unfitting("Reshape", x.shape, shape);
      return sameShape(x.shape, shape) ? x : add("Reshape", [x], {}, shape, x.dtype);
    },

    expand: (x: Node, shape: Shape): Node => (sameShape(x.shape, shape) ? x : add("Expand", [x], {}, shape, x.dtype)),

    transpose: (x: Node, perm: readonly number[]): Node =>
      perm.every((from, to) => from === to)
        ? x
        : add(
            "Transpose",
            [x],
            { perm },
            perm.map((from) => x.shape[from]!),
            x.dtype,
          ),

    concat(parts: readonly Node[], axis: number): Node {
      const filled = parts.filter((part) => part.shape[axis]! > 0);
      if (filled.length <= 1) return filled[0] ?? parts[0]!;
      const shape = parts[0]!.shape.with(axis, sum(parts.map((part) => part.shape[axis]!)));
      return add("Concat", filled, { axis }, shape, parts[0]!.dtype);
    },

    /** `size` elements along each axis from `begin`, every `strides`-th. */
    slice(x: Node, begin: readonly number[], size: Shape, strides: readonly number[] = size.map(() => 1)): Node {
      return sameShape(x.shape, size) && strides.every((s) => s === 1)
        ? x
        : add("Slice", [x], { begin, strides }, size, x.dtype);
    },

    pad(x: Node, before: readonly number[], after: readonly number[], value: number): Node {
      const shape = x.shape.map((d, i) => d + before[i]! + after[i]!);
      return sameShape(shape, x.shape) ? x : add("Pad", [x], { before, after, value }, shape, x.dtype);
    },

    tile(x: Node, reps: readonly number[]): Node {
      const shape = x.shape.map((d, i) => d * reps[i]!);
      if (x.shape.every((d, i) => d === 1 || reps[i] === 1)) return builder.expand(x, shape);
      return add("Tile", [x], { reps }, shape, x.dtype);
    },

    reverse: (x: Node, axes: readonly number[]): Node =>
      axes.length === 0 ? x : add("Reverse", [x], { axes }, x.shape, x.dtype),

    gather(x: Node, indices: Node, axis: number): Node {
      const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
      return add("Gather", [x, indices], { axis }, shape, x.dtype);
    },

    oneHot: (indices: Node, depth: number, on: number, off: number, dtype: DType): Node =>
      add("OneHot", [indices], { depth, on, off }, [...indices.shape, depth], dtype),

    segmentSum: (x: Node, ids: Node, segments: number): Node =>
      add("SegmentSum", [x, ids], {}, [segments, ...x.shape.slice(ids.shape.length)], x.dtype),

    cumSum: (x: Node, axis: number, exclusive: boolean, reverse: boolean): Node =>
      add("CumSum", [x], { axis, exclusive, reverse }, x.shape, x.dtype),

    softmax: (x: Node, axis: number): Node => add("Softmax", [x], { axis }, x.shape, x.dtype),

    /** `body` is recorded once; it gets the carried values and the iteration `[]` int32, and returns the next values. */
    loop(
      iterations: number,
      starts: readonly Node[],
      body: (carried: readonly Node[], iteration: Node) => readonly Node[],
    ): Node[] {
      const entry = (shape: Shape, dtype: DType): Node =>
        make({ op: "LoopInput", inputs: [], attrs: { name: `loop${count}` }, shape, dtype });
      const iteration = entry([], "int32");
      const carried = starts.map((start) => entry(start.shape, start.dtype));
      const results = body(carried, iteration);
      const loop = make(
        { op: "Loop", inputs: starts, attrs: { count: iterations }, shape: [], dtype: "float32" },
        { body: { iteration, carried, results } },
      );
      return results.map((result, index) => add("LoopOutput", [loop], { index }, result.shape, result.dtype));
    },
  };
  return builder;
}

/** Keeps −0, NaN and the infinities apart, which JSON does not. */
const written = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

const keyOf = ({ op, inputs, attrs, shape, dtype }: Draft): string => {
  const listed = Object.entries(attrs).map(([name, v]) => `${name}=${typeof v === "number" ? written(v) : String(v)}`);
  return `${op}|${inputs.map((n) => n.id)}|${listed.join(";")}|${shape}|${dtype}`;
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function lastTwo(shape: Shape, transposed: boolean): [number, number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}
