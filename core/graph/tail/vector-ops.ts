import { type DType, type Node, sizeOf } from "../node.ts";
import type { VectorOp } from "./program.ts";
import { type Code, simd, splatConst } from "./wasm-binary.ts";

/** Instructions that leave an operation's four results on the stack, from those that push its operands. Truth values are all-ones masks. */
export const vectorCode: Readonly<Record<VectorOp, (...operands: Code[]) => Code>> = {
  Add: plain(0xe4),
  Sub: plain(0xe5),
  Mul: plain(0xe6),
  Div: plain(0xe7),
  // Not pmin and pmax: these give NaN when either operand is, as TensorFlow.js and ONNX Runtime do.
  Min: plain(0xe8),
  Max: plain(0xe9),
  Neg: plain(0xe1),
  Abs: plain(0xe0),
  Sqrt: plain(0xe3),
  Ceil: plain(0x67),
  Floor: plain(0x68),
  /** Halves to even. */
  Round: plain(0x6a),
  /** 0 of NaN, as in TensorFlow.js. */
  Sign: (x) => either(masked(greater(x, splatConst(0)), 1), masked(greater(splatConst(0), x), -1)),
  Relu: (x) => [...splatConst(0), ...x, ...simd(0xe9)],
  Reciprocal: reciprocal,
  Square: square,
  Cube: (x) => [...square(x), ...x, ...simd(0xe6)],
  ReciprocalSqrt: (x) => reciprocal([...x, ...simd(0xe3)]),
  Equal: plain(0x41),
  Less: plain(0x43),
  Greater: greater,
  LessOrEqual: plain(0x45),
  GreaterOrEqual: plain(0x46),
  IsNaN: (x) => notEqual(x, x),
  Not: plain(0x4d),
  And: plain(0x4e),
  Or: either,
  Xor: plain(0x51),
  Where: (condition, then, otherwise) => [...then, ...otherwise, ...condition, ...simd(0x52)],
  ToFloat: (truth) => masked(truth, 1),
  ToBool: (x) => notEqual(x, splatConst(0)),
};

function plain(opcode: number): (...operands: Code[]) => Code {
  return (...operands) => [...operands.flat(), ...simd(opcode)];
}
function greater(a: Code, b: Code): Code {
  return [...a, ...b, ...simd(0x44)];
}
function notEqual(a: Code, b: Code): Code {
  return [...a, ...b, ...simd(0x42)];
}
function either(a: Code, b: Code): Code {
  return [...a, ...b, ...simd(0x50)];
}
function masked(mask: Code, value: number): Code {
  return [...mask, ...splatConst(value), ...simd(0x4e)];
}
function reciprocal(x: Code): Code {
  return [...splatConst(1), ...x, ...simd(0xe7)];
}
function square(x: Code): Code {
  return [...x, ...x, ...simd(0xe6)];
}

export interface Operation {
  /** Identity: element i of the operand. */
  readonly op: VectorOp | "Identity";
  readonly operands: readonly Node[];
}

/** The operation on elements that a node is; null when there is no vector code for it. Shapes are not looked at. */
export function operationOf(node: Node): Operation | null {
  const { op, inputs, dtype } = node;
  if (op === "Reshape" || op === "Expand") return dtype === "int32" ? null : { op: "Identity", operands: inputs };
  if (op === "Pow") return powerOf(inputs[0]!, inputs[1]!);
  if (op === "Cast") return castOf(inputs[0]!, dtype);
  if (op === "Where") return dtype === "int32" ? null : { op, operands: inputs };
  if (op === "And" || op === "Or" || op === "Xor" || op === "Not") return { op, operands: inputs };
  const isFloat = inputs.every((input) => input.dtype === "float32");
  return isFloat && op in vectorCode ? { op: op as VectorOp, operands: inputs } : null;
}

// The root of -0 and of -∞ is not their power of 0.5: -0 and NaN in place of 0 and ∞.
const powers = new Map<number | null, VectorOp | "Identity">([
  [-1, "Reciprocal"],
  [-0.5, "ReciprocalSqrt"],
  [0.5, "Sqrt"],
  [1, "Identity"],
  [2, "Square"],
  [3, "Cube"],
]);

function powerOf(base: Node, exponent: Node): Operation | null {
  const op = powers.get(constantOf(exponent));
  return op === undefined || base.dtype !== "float32" ? null : { op, operands: [base] };
}

function castOf(x: Node, to: DType): Operation | null {
  if (x.dtype === to) return to === "int32" ? null : { op: "Identity", operands: [x] };
  if (x.dtype === "bool" && to === "float32") return { op: "ToFloat", operands: [x] };
  if (x.dtype === "float32" && to === "bool") return { op: "ToBool", operands: [x] };
  return null;
}

/** The one value of a node that is known and the same everywhere. */
export function constantOf(node: Node): number | null {
  if (node.op === "Splat") return Number(node.attrs["value"]);
  if (node.op === "Const" && sizeOf(node.shape) === 1) return node.values![0]!;
  return null;
}
