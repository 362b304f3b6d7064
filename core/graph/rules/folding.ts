import type { Rule } from "../builder.ts";
import { binaryOps, comparisonOps, type Node, reductionOps, unaryOps } from "../node.ts";

/** The one value of a Splat. */
export const splatValue = (node: Node): number | null => (node.op === "Splat" ? (node.attrs["value"] as number) : null);

const unary: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Log: Math.log,
  Sin: Math.sin,
  Cos: Math.cos,
  Tanh: Math.tanh,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Relu: (x) => Math.max(0, x),
  Floor: Math.floor,
  Ceil: Math.ceil,
  Sign: Math.sign,
  Reciprocal: (x) => 1 / x,
  Not: (x) => (x === 0 ? 1 : 0),
  IsNaN: (x) => (Number.isNaN(x) ? 1 : 0),
};

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Max: Math.max,
  Min: Math.min,
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  And: (a, b) => Number(a !== 0 && b !== 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
};

/** What is the same everywhere is computed once, now. Zeros and ones of automatic differentiation vanish by it. */
export const folding: readonly Rule[] = [
  {
    name: "fold unary",
    ops: unaryOps,
    apply({ op, inputs, shape, dtype }, build) {
      const x = splatValue(inputs[0]!);
      const f = unary[op];
      return x === null || f === undefined ? null : build.splat(f(x), shape, dtype);
    },
  },
  {
    name: "fold binary",
    ops: [...binaryOps, ...comparisonOps],
    apply({ op, inputs, shape, dtype }, build) {
      const a = splatValue(inputs[0]!);
      const b = splatValue(inputs[1]!);
      const f = binary[op];
      if (a === null || b === null || f === undefined) return null;
      const value = f(a, b);
      return build.splat(dtype === "int32" ? Math.trunc(value) : value, shape, dtype);
    },
  },
  {
    name: "fold where",
    ops: ["Where"],
    apply({ inputs, shape }, build) {
      const condition = splatValue(inputs[0]!);
      return condition === null ? null : build.expand(inputs[condition === 0 ? 2 : 1]!, shape);
    },
  },
  {
    name: "fold cast",
    ops: ["Cast"],
    apply({ inputs, shape, dtype }, build) {
      const value = splatValue(inputs[0]!);
      if (value === null) return null;
      const now = { float32: value, int32: Math.trunc(value), bool: Number(value !== 0) }[dtype];
      return build.splat(now, shape, dtype);
    },
  },
  {
    name: "fold rearrangement",
    ops: ["Expand", "Reshape", "Transpose", "Slice", "Tile", "Reverse"],
    apply({ inputs, shape, dtype }, build) {
      const value = splatValue(inputs[0]!);
      return value === null ? null : build.splat(value, shape, dtype);
    },
  },
  {
    name: "fold reshape of a constant",
    ops: ["Reshape"],
    apply: ({ inputs: [x], shape, dtype }, build) =>
      x!.op === "Const" ? build.constant(x!.values!, shape, dtype) : null,
  },
  {
    name: "fold pad",
    ops: ["Pad"],
    apply: ({ inputs, attrs, shape, dtype }, build) =>
      splatValue(inputs[0]!) === attrs["value"] ? build.splat(attrs["value"] as number, shape, dtype) : null,
  },
  {
    name: "fold concat",
    ops: ["Concat"],
    apply({ inputs, shape, dtype }, build) {
      const values = inputs.map(splatValue);
      return values[0] !== null && values.every((v) => Object.is(v, values[0]))
        ? build.splat(values[0]!, shape, dtype)
        : null;
    },
  },
  {
    name: "fold reduction",
    ops: reductionOps,
    apply({ op, inputs: [x], attrs, shape, dtype }, build) {
      const value = splatValue(x!);
      if (value === null || op === "ReduceProd") return null;
      const counted = (attrs["axes"] as number[]).reduce((n, axis) => n * x!.shape[axis]!, 1);
      return counted === 0 ? null : build.splat(op === "ReduceSum" ? value * counted : value, shape, dtype);
    },
  },
];
