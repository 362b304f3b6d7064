import { toFloat32 } from "../../../../core/data/convert.ts";
import { float32, type HostTensor } from "../../../../core/data/host-tensor.ts";
import { type NpzFile, openNpz } from "../../../../core/data/npz-head.ts";
import type { RowConversion } from "../../../../core/data/npz-rows.ts";
import { CHANNEL_NAMES, MOTION_WIDTH, SAMPLES } from "../motion/layout.ts";
import { loadParameters } from "../parameters/read.ts";
import { shippedParameters } from "../parameters/shipped.ts";
import { normalizedParamState, type ParameterSpace } from "../parameters/space.ts";
import { gaitDataErrors } from "./errors.ts";

/** Channels of a whole motion. */
export const MOTION_CHANNELS = SAMPLES * MOTION_WIDTH;

/** A file of motions says by an array of this name that they were generated, not simulated or measured. */
export const SYNTHETIC_MARK = "synthetic";

/** Parameters, and the words that messages name their description by. */
export interface Description {
  readonly space: ParameterSpace;
  readonly title: string;
}

export const loadDescription = (path: string | null): Description => ({
  space: loadParameters(path),
  title: path === null ? "the shipped description" : `"${path}"`,
});

/**
 * Checks the heads of a file of motions: `motions` `[n, 6060]` and `params` `[n, parameters]`. Throws MF_FILE_…,
 * MF_DATA_VALUE and MF_GAIT_DATA_WIDTH.
 */
export async function openMotions(path: string, description: Description): Promise<NpzFile> {
  const file = await openNpz(path, { motions: [MOTION_CHANNELS], params: [null] });
  checkParameterWidth(file, description);
  return file;
}

/** Throws MF_GAIT_DATA_WIDTH unless the file's `params` are as many as the description's. */
export function checkParameterWidth({ path, entries }: NpzFile, { space: { parameters }, title }: Description): void {
  const width = entries["params"]!.header.shape[1]!;
  if (width === parameters.length) return;
  const shipped = new Set(shippedParameters().parameters.map(({ name }) => name));
  const unknown = parameters.map(({ name }) => name).filter((name) => !shipped.has(name));
  throw gaitDataErrors.MF_GAIT_DATA_WIDTH({ path, width, title, parameters: parameters.length, unknown });
}

/** How far a value may lie outside its range: what is lost in float32, and by sums of it. */
const tolerance = (min: number, max: number): number => 1e-6 * Math.max(Math.abs(min), Math.abs(max));

/** The ranges that values are checked against: [minimum, maximum], widened by what float32 loses. */
export const allowedRanges = ({ parameters }: ParameterSpace): { lowest: Float64Array; highest: Float64Array } => ({
  lowest: Float64Array.from(parameters, ({ min, max }) => min - tolerance(min, max)),
  highest: Float64Array.from(parameters, ({ min, max }) => max + tolerance(min, max)),
});

/** Throws MF_GAIT_DATA_VALUE for the first value of `[n, parameters]` that is not finite or not in its range. */
export type ParameterCheck = (params: Float32Array, path: string, firstRow: number) => void;

export function parameterCheck(space: ParameterSpace): ParameterCheck {
  const { lowest, highest } = allowedRanges(space);
  const width = lowest.length;
  return (params, path, firstRow) => {
    for (let i = 0, j = 0; i < params.length; i++, j = j + 1 === width ? 0 : j + 1) {
      const value = params[i]!;
      if (value >= lowest[j]! && value <= highest[j]!) continue;
      const { name, min, max } = space.parameters[j]!;
      const problem = Number.isFinite(value) ? `is outside its range ${min} … ${max}` : "is not a number";
      throw gaitDataErrors.MF_GAIT_DATA_VALUE({
        path,
        array: "params",
        row: firstRow + Math.floor(i / width),
        problem: `${name} = ${Number(value.toPrecision(7))} ${problem}`,
      });
    }
  };
}

/** Throws MF_GAIT_DATA_VALUE for the first channel that is not finite in rows of `samples` samples, `[n, samples·101]`. */
export function checkChannels(motions: Float32Array, samples: number, path: string, firstRow: number): void {
  const wrong = firstNotFinite(motions);
  if (wrong < 0) return;
  const sample = Math.floor(wrong / MOTION_WIDTH);
  const place = samples === 1 ? "" : ` at sample ${sample % samples}`;
  throw gaitDataErrors.MF_GAIT_DATA_VALUE({
    path,
    array: "motions",
    row: firstRow + Math.floor(sample / samples),
    problem: `${CHANNEL_NAMES[wrong % MOTION_WIDTH]} = ${motions[wrong]}${place} is not a number`,
  });
}

/** `params` `[n, parameters]` and `motions` `[n, 6060]`. */
export type CheckedRows = Readonly<Record<"params" | "motions", HostTensor<"float32">>>;

/** Rows in float32. Throws MF_GAIT_DATA_VALUE for one whose motion or parameters are not finite or not in range. */
export function checkedRows(space: ParameterSpace): RowConversion {
  const checkParameters = parameterCheck(space);
  return (rows, { path }, firstRow) => {
    const params = toFloat32(rows["params"]!);
    const motions = toFloat32(rows["motions"]!);
    checkParameters(params.data, path, firstRow);
    checkChannels(motions.data, SAMPLES, path, firstRow);
    return { params, motions };
  };
}

function firstNotFinite(values: Float32Array): number {
  // Infinite and NaN values alone leave something of themselves.
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return i;
  return -1;
}

/** Checked rows as training reads them: `parameters` `[n, parameters]` as shares of their ranges, `motions` `[n, 6060]`. */
export function trainingRows(space: ParameterSpace): RowConversion {
  const check = checkedRows(space);
  return (rows, file, firstRow) => {
    const { params, motions } = check(rows, file, firstRow) as CheckedRows;
    return { parameters: float32(normalizedParamState(space, params.data), params.shape), motions };
  };
}
