import { type Node, type Shape, sizeOf } from "../../../../core/graph/node.ts";

/** Float32 values; truth values are 0 and 1. */
export type Values = readonly number[];

const f = Math.fround;

const unary: Partial<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Abs: Math.abs,
  Sqrt: (x) => f(Math.sqrt(x)),
  Tanh: (x) => f(Math.tanh(x)),
  Relu: (x) => Math.max(0, x),
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  Sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  Reciprocal: (x) => f(1 / x),
  Not: (x) => 1 - x,
  IsNaN: (x) => Number(Number.isNaN(x)),
};

const binary: Partial<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => f(a + b),
  Sub: (a, b) => f(a - b),
  Mul: (a, b) => f(a * b),
  Div: (a, b) => f(a / b),
  Max: Math.max,
  Min: Math.min,
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
  Xor: (a, b) => a ^ b,
  Pow: (a, b) => power(a, b),
};

/** By multiplication and root, each step rounded. */
function power(x: number, exponent: number): number {
  if (exponent < 0) return f(1 / power(x, -exponent));
  if (exponent === 0.5) return f(Math.sqrt(x));
  return exponent === 1 ? x : f(power(x, exponent - 1) * x);
}

/** What a node's value is, by definition, one element after the other. */
export function interpret(node: Node, inputs: Readonly<Record<string, Values>>): Values {
  const known = new Map<Node, Values>();
  const value = (n: Node): Values => {
    const found = known.get(n) ?? evaluate(n);
    known.set(n, found);
    return found;
  };
  const evaluate = (n: Node): Values => {
    const { op, shape, attrs } = n;
    if (op === "Input") return inputs[String(attrs["name"])]!.map(f);
    if (op === "Splat") return Array<number>(sizeOf(shape)).fill(Number(attrs["value"]));
    if (op === "Const") return Array.from(n.values!);
    if (op === "Reshape") return value(n.inputs[0]!);
    const operands = n.inputs.map((x) => ({ at: broadcast(x.shape, shape), of: value(x) }));
    const read = (operand: number, i: number) => operands[operand]!.of[operands[operand]!.at(i)]!;
    const each = (compute: (i: number) => number): Values =>
      Array.from({ length: sizeOf(shape) }, (_, i) => compute(i));
    if (op === "Expand") return each((i) => read(0, i));
    if (op === "Cast") return each((i) => (n.dtype === "bool" ? Number(read(0, i) !== 0) : read(0, i)));
    if (op === "Where") return each((i) => (read(0, i) ? read(1, i) : read(2, i)));
    if (op === "ReduceMean") return [f(operands[0]!.of.reduce((a, b) => f(a + b), 0) / operands[0]!.of.length)];
    if (op === "Transpose") {
      const [rows, columns] = shape as [number, number];
      return each((i) => operands[0]!.of[(i % columns) * rows + Math.floor(i / columns)]!);
    }
    const one = unary[op];
    if (one !== undefined) return each((i) => one(read(0, i)));
    return each((i) => binary[op]!(read(0, i), read(1, i)));
  };
  return value(node);
}

/** The element of an operand that the element `i` of the broadcast shape reads. */
const broadcast =
  (from: Shape, to: Shape) =>
  (i: number): number => {
    let rest = i;
    let stride = 1;
    let index = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const own = axis - (to.length - from.length);
      const length = own >= 0 ? from[own]! : 1;
      if (length !== 1) index += (rest % to[axis]!) * stride;
      rest = Math.floor(rest / to[axis]!);
      stride *= length;
    }
    return index;
  };
