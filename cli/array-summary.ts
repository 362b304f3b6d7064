import { float16Value } from "../core/data/convert.ts";
import type { HostTensor } from "../core/data/host-tensor.ts";
import { table } from "./output.ts";

/** What there is to know about an array at a glance. Minimum, maximum and mean are of its finite values; null without any. */
export interface ArraySummary {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly nan: number;
  readonly infinite: number;
}

export function summarize({ dtype, shape, data }: HostTensor): ArraySummary {
  let [min, max, sum, nan, infinite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (const stored of data) {
    const value = dtype === "float16" ? float16Value(stored as number) : Number(stored);
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
    }
  }
  const finite = data.length - nan - infinite;
  const known = (value: number): number | null => (finite === 0 ? null : value);
  return { dtype, shape, min: known(min), max: known(max), mean: known(sum / finite), nan, infinite };
}

export const summaryTable = (arrays: Readonly<Record<string, ArraySummary>>): string =>
  table(
    ["array", "dtype", "shape", "min", "max", "mean", "NaN", "infinite"],
    Object.entries(arrays).map(([name, a]) => [
      name,
      a.dtype,
      `[${a.shape.join(", ")}]`,
      a.min,
      a.max,
      a.mean,
      a.nan,
      a.infinite,
    ]),
  );

/** Reads a data file and describes its arrays. */
export async function summarizeFile(path: string): Promise<Record<string, ArraySummary>> {
  const { readArrays } = await import("../core/data/files.ts");
  return Object.fromEntries(Object.entries(await readArrays(path)).map(([name, array]) => [name, summarize(array)]));
}
