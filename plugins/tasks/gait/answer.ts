import { toFloat32 } from "../../../core/data/convert.ts";
import { checkFinite, checkShape } from "../../../core/data/files.ts";
import type { HostTensor } from "../../../core/data/host-tensor.ts";
import type { Json } from "../../../core/json.ts";
import type { InferRequest, Predict } from "../../../core/task.ts";
import { allowedRanges } from "./data/rows.ts";
import { gaitErrors } from "./errors.ts";
import { cycleInputs } from "./inference.ts";
import {
  CHANNEL_NAMES,
  CONTROL_RATE_HZ,
  MOTION_WIDTH,
  ROOT_DZ,
  ROOT_HEIGHT,
  SAMPLES_PER_CYCLE,
} from "./motion/layout.ts";
import { defaultParams, type ParameterSpace } from "./parameters/space.ts";

/** A whole array of parameters, in the order of the description. */
const WHOLE = "parameters";

/**
 * A gait cycle for each row asked for: an array `parameters` `[N, P]` or `[P]`, or single parameters by name, each a
 * number or a list of N; what is not given is the default. Throws MF_GAIT_INPUT, MF_GAIT_PARAMETER_UNKNOWN, MF_DATA_VALUE.
 */
export async function answerWithCycles(
  space: ParameterSpace,
  synthetic: boolean | null,
  predict: Predict,
  { inputs, source, options }: InferRequest,
): Promise<Json> {
  const [option] = Object.keys(options);
  if (option !== undefined) {
    throw gaitErrors.MF_GAIT_INPUT({ source, problem: `this model has no option --${option}; leave it out` });
  }
  const params = WHOLE in inputs ? wholeRows(space, inputs, source) : namedRows(space, inputs, source);
  checkRanges(space, params, source);
  const { motion } = await predict(cycleInputs(params, space.parameters.length));
  const poses = motion!.data as Float32Array;
  const count = poses.length / (SAMPLES_PER_CYCLE * MOTION_WIDTH);
  return {
    synthetic,
    channels: [...CHANNEL_NAMES],
    cycles: Array.from({ length: count }, (_, cycle) => {
      const pose = (sample: number): Float32Array => {
        const at = (cycle * SAMPLES_PER_CYCLE + sample) * MOTION_WIDTH;
        return poses.subarray(at, at + MOTION_WIDTH);
      };
      const mean = (channel: number): number =>
        Array.from({ length: SAMPLES_PER_CYCLE }, (_, i) => pose(i)[channel]!).reduce((a, b) => a + b) /
        SAMPLES_PER_CYCLE;
      return {
        forward_speed_m_per_s: mean(ROOT_DZ) * CONTROL_RATE_HZ,
        height_m: mean(ROOT_HEIGHT),
        motion: Array.from({ length: SAMPLES_PER_CYCLE }, (_, i) => Array.from(pose(i))),
      };
    }),
  };
}

function wholeRows({ parameters }: ParameterSpace, inputs: InferRequest["inputs"], source: string): Float32Array {
  const other = Object.keys(inputs).find((name) => name !== WHOLE);
  if (other !== undefined) {
    throw gaitErrors.MF_GAIT_INPUT({
      source,
      problem: `holds "${WHOLE}" and "${other}"; give all of them or single ones`,
    });
  }
  const given = inputs[WHOLE]!;
  const rows = given.shape.length === 1 ? { ...given, shape: [1, ...given.shape] } : given;
  checkShape(source, WHOLE, rows, [null, parameters.length]);
  checkFinite(source, WHOLE, rows);
  return toFloat32(rows).data;
}

function namedRows(space: ParameterSpace, inputs: InferRequest["inputs"], source: string): Float32Array {
  const width = space.parameters.length;
  const lengths = Object.values(inputs).map(({ shape }) => shape[0] ?? 1);
  const count = Math.max(1, ...lengths);
  const rows = new Float32Array(count * width);
  for (let row = 0; row < count; row++) rows.set(defaultParams(space), row * width);
  for (const [name, array] of Object.entries(inputs)) {
    const column = space.indexOf(name);
    const values = numbers(array, name, count, source);
    for (let row = 0; row < count; row++) rows[row * width + column] = values[row % values.length]!;
  }
  return rows;
}

/** One number for all rows, or one each. */
function numbers(array: HostTensor, name: string, count: number, source: string): Float32Array {
  if (array.shape.length > 0) checkShape(source, name, array, [count]);
  checkFinite(source, name, array);
  return toFloat32(array).data;
}

function checkRanges(space: ParameterSpace, params: Float32Array, source: string): void {
  const { lowest, highest } = allowedRanges(space);
  const width = lowest.length;
  const wrong = params.findIndex((value, i) => value < lowest[i % width]! || value > highest[i % width]!);
  if (wrong < 0) return;
  const { name, min, max } = space.parameters[wrong % width]!;
  const value = Number(params[wrong]!.toPrecision(7));
  const problem = `"${name}" is ${value} in row ${Math.floor(wrong / width)}, outside its range ${min} … ${max}`;
  throw gaitErrors.MF_GAIT_INPUT({ source, problem });
}
