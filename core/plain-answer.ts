import { toFloat32 } from "./data/convert.ts";
import { elementCount } from "./data/elements.ts";
import { checkFinite, checkShape } from "./data/files.ts";
import { float32, type HostBatch, type HostTensor } from "./data/host-tensor.ts";
import { errors } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Inference, InferRequest, InputSpec, Predict } from "./task.ts";

/**
 * The answer to `mf infer` of a task that has none of its own: `{"outputs": {"name": [a value or list for each row]}}`.
 * Inputs are taken by name; a single row may come without its batch. Throws MF_DATA_VALUE for one that is missing, has
 * another shape, or is not finite, MF_USAGE for an option.
 */
export async function plainAnswer(
  inputs: Inference["inputs"],
  predict: Predict,
  { inputs: given, source, options }: InferRequest,
): Promise<Json> {
  const [option] = Object.keys(options);
  if (option !== undefined) {
    throw errors.MF_USAGE({ problem: `--${option}: this model has no such option.`, usage: "Leave it out." });
  }
  const arrays = Object.entries(inputs).map(([name, spec]) => [name, spec, given[name]] as const);
  const rows = arrays.reduce<number | null>((n, [, { shape }, array]) => n ?? rowsOf(array, shape), null) ?? 1;
  const batch = arrays.map(([name, spec, array]) => {
    if (array === undefined && spec.default === undefined) {
      const problem = `[${["N", ...spec.shape].join(", ")}] is missing: ${spec.description}`;
      throw errors.MF_DATA_VALUE({ path: source, array: name, problem });
    }
    return [name, array === undefined ? repeated(spec, rows) : checked(source, name, array, spec, rows)];
  });
  const outputs = await predict(Object.fromEntries(batch));
  return { outputs: Object.fromEntries(Object.entries(outputs).map(([name, array]) => [name, lists(array)])) };
}

const rowsOf = (array: HostTensor | undefined, { length: rank }: readonly number[]): number | null =>
  array === undefined ? null : array.shape.length === rank ? 1 : array.shape[0]!;

function checked(source: string, name: string, array: HostTensor, spec: InputSpec, rows: number): HostBatch[string] {
  const whole = array.shape.length === spec.shape.length ? { ...array, shape: [1, ...array.shape] } : array;
  checkShape(source, name, whole, [rows, ...spec.shape]);
  checkFinite(source, name, whole);
  const { data } = toFloat32(whole);
  return typed(spec, data, whole.shape);
}

function repeated(spec: InputSpec, rows: number): HostBatch[string] {
  const row = spec.default!;
  return typed(
    spec,
    Float32Array.from({ length: rows * row.length }, (_, i) => row[i % row.length]!),
    [rows, ...spec.shape],
  );
}

const typed = ({ dtype }: InputSpec, data: Float32Array, shape: readonly number[]): HostBatch[string] =>
  dtype === "int32" ? { dtype, shape, data: Int32Array.from(data) } : float32(data, shape);

/** Nested lists, a level a dimension. */
function lists({ shape, data }: HostBatch[string]): Json {
  const level = (depth: number, from: number): Json => {
    const size = shape[depth];
    if (size === undefined) return data[from]!;
    const step = elementCount(shape.slice(depth + 1));
    return Array.from({ length: size }, (_, i) => level(depth + 1, from + i * step));
  };
  return level(0, 0);
}
