export type DType = "float32" | "int32" | "bool";
export type Shape = readonly number[];
export type Values = Float32Array | Int32Array | Uint8Array;
export type Attribute = number | string | boolean | readonly number[];

/** One operand gives the shape and the type; no attributes. */
export const unaryOps = [
  "Neg",
  "Abs",
  "Sqrt",
  "Exp",
  "Log",
  "Sin",
  "Cos",
  "Tan",
  "Asin",
  "Acos",
  "Atan",
  "Sinh",
  "Cosh",
  "Tanh",
  "Sigmoid",
  "Relu",
  "Erf",
  "Softplus",
  "Floor",
  "Ceil",
  "Round",
  "Sign",
  "Reciprocal",
  /** bool → bool. */
  "Not",
  /** float32 → bool. */
  "IsNaN",
] as const;

/** Two operands that broadcast as in NumPy. */
export const binaryOps = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mod"] as const;
/** Two operands that broadcast; the result is a truth value. */
export const comparisonOps = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or", "Xor"] as const;
export const reductionOps = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"] as const;

export type UnaryOp = (typeof unaryOps)[number];
export type BinaryOp = (typeof binaryOps)[number] | (typeof comparisonOps)[number];
export type ReductionOp = (typeof reductionOps)[number];

/**
 * The operations of the graph, named as in ONNX where ONNX has them. Attributes in brackets; shapes are always known.
 *
 *     Input {name}   Const (values)   Splat {value}: one value everywhere
 *     Where (condition, then, else)   Cast   Expand   Reshape: to the node's own type or shape
 *     reductions {axes, keepDims}     ArgMax, ArgMin {axis} → int32
 *     MatMul {transposeA, transposeB}: the last two axes; the others broadcast
 *     Transpose {perm}   Concat {axis}   Slice {begin, strides}: size from the shape   Pad {before, after, value}
 *     Tile {reps}   Reverse {axes}   Gather {axis} (x, indices)   OneHot {depth, on, off} (indices)
 *     SegmentSum (x, ids): rows of x added up by id      CumSum {axis, exclusive, reverse}   Softmax {axis}
 *     Loop {count} (start…): see LoopNode               LoopInput {name}   LoopOutput {index} (loop)
 */
export type Op =
  | UnaryOp
  | BinaryOp
  | ReductionOp
  | "Input"
  | "Const"
  | "Splat"
  | "Where"
  | "Cast"
  | "Expand"
  | "Reshape"
  | "ArgMax"
  | "ArgMin"
  | "MatMul"
  | "Transpose"
  | "Concat"
  | "Slice"
  | "Pad"
  | "Tile"
  | "Reverse"
  | "Gather"
  | "OneHot"
  | "SegmentSum"
  | "CumSum"
  | "Softmax"
  | "Loop"
  | "LoopInput"
  | "LoopOutput";

/** One value of a step. Nodes are made by a graph's builder, which gives equal ones the same identity. */
export interface Node {
  /** In order of creation: every input has a smaller one. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Node[];
  readonly attrs: Readonly<Record<string, Attribute>>;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Of a Const; truth values are 0 and 1. */
  readonly values?: Values;
  /** Of a Loop. */
  readonly body?: LoopBody;
  /** Who recorded it, such as `ema, afterUpdate`; null outside of plugins. */
  readonly origin: string | null;
}

/**
 * `count` iterations: `carried[k]` starts as the loop's k-th input and becomes `results[k]`. Body nodes live in the same
 * graph as the others; those that depend on no LoopInput of the loop are computed once, outside.
 * The loop's value is read by LoopOutput {index: k}.
 */
export interface LoopBody {
  /** LoopInput `[]` int32: 0, 1, …, count − 1. */
  readonly iteration: Node;
  readonly carried: readonly Node[];
  readonly results: readonly Node[];
}

/** A graph's results by name. A result may be an Input, a Const or a Splat. */
export type Outputs = Readonly<Record<string, Node>>;

export const sizeOf = (shape: Shape): number => shape.reduce((product, d) => product * d, 1);
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Every node the outputs need, inputs before users. A loop's body counts as needed by the loop. */
export function needed(outputs: readonly Node[], known: ReadonlySet<Node> = new Set()): Node[] {
  const seen = new Set(known);
  const order: Node[] = [];
  const stack: { node: Node; entered: boolean }[] = outputs.toReversed().map((node) => ({ node, entered: false }));
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    if (seen.has(top.node)) {
      stack.pop();
    } else if (top.entered) {
      stack.pop();
      seen.add(top.node);
      order.push(top.node);
    } else {
      top.entered = true;
      const { inputs, body } = top.node;
      const all = body === undefined ? inputs : [...inputs, ...body.results];
      for (const input of all.toReversed()) if (!seen.has(input)) stack.push({ node: input, entered: false });
    }
  }
  return order;
}
