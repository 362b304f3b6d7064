/** What a kernel does to one element, as values in order of computation; float32, truth values apart. */
export interface Program {
  readonly pointers: number;
  readonly scalars: number;
  readonly values: readonly Value[];
  /** Written after every value is computed, so that each load sees the element as it was before. */
  readonly stores: readonly Store[];
}

/** `operands` are indices of earlier values. */
export type Value =
  | { readonly op: "Load"; readonly pointer: number }
  | { readonly op: "Scalar"; readonly scalar: number }
  | { readonly op: "Splat"; readonly value: number }
  | { readonly op: VectorOp; readonly operands: readonly number[] };

export interface Store {
  readonly pointer: number;
  readonly value: number;
}

/** Named as in the graph, where the graph has them. */
export type VectorOp =
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Max"
  | "Min"
  | "Neg"
  | "Abs"
  | "Sqrt"
  | "Floor"
  | "Ceil"
  | "Round"
  | "Sign"
  | "Relu"
  | "Reciprocal"
  | "Square"
  | "Cube"
  | "ReciprocalSqrt"
  | "Greater"
  | "GreaterOrEqual"
  | "Less"
  | "LessOrEqual"
  | "Equal"
  | "IsNaN"
  | "And"
  | "Or"
  | "Xor"
  | "Not"
  | "Where"
  | "ToFloat"
  | "ToBool";

/** Equal for values that are computed alike. */
export function keyOf(value: Value): string {
  if (value.op === "Load") return `Load ${value.pointer}`;
  if (value.op === "Scalar") return `Scalar ${value.scalar}`;
  if (value.op === "Splat") return `Splat ${Object.is(value.value, -0) ? "-0" : value.value}`;
  return `${value.op} ${value.operands}`;
}

/** Equal for programs that do the same to each element. */
export const signatureOf = ({ values, stores }: Program): string =>
  [...values.map(keyOf), ...stores.map(({ pointer, value }) => `Store ${pointer},${value}`)].join("; ");

/** Per value: whether it is the same for every element, because no load enters it. */
export function uniformValues({ values }: Program): boolean[] {
  const uniform: boolean[] = [];
  for (const value of values)
    uniform.push(value.op !== "Load" && (!("operands" in value) || value.operands.every((i) => uniform[i]!)));
  return uniform;
}
