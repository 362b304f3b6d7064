import { didYouMean } from "../../../../core/errors.ts";
import { parameterErrors } from "./errors.ts";

/** One of the numbers that a gait depends on. A value without unit is a ratio to the healthy adult's. */
export interface GaitParameter {
  /** Group and own name: `gait_stride`, `muscle_force_Soleus_R`. */
  readonly name: string;
  readonly group: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Seen from outside (gait, skeleton, torsion), where the state of a muscle has to be inferred. */
  readonly known: boolean;
}

/** The parameters of an environment in the order of their values. */
export interface ParameterSpace {
  readonly parameters: readonly GaitParameter[];
  /** Throws MF_GAIT_PARAMETER_UNKNOWN with the nearest name. */
  indexOf(name: string): number;
}

/** Groups that are known where the description does not say. */
const KNOWN_GROUPS = ["gait", "skeleton", "torsion"];
export const isKnownGroup = (group: string): boolean => KNOWN_GROUPS.includes(group);

/** A description's parameter, and where it is written: a file, and a line where there is one. */
export interface LocatedParameter {
  readonly at: string;
  readonly parameter: GaitParameter;
}

/**
 * Checks a description. Throws MF_GAIT_PARAMETER for a range that is none, a default outside it, a name given twice.
 */
export function parameterSpace(described: readonly LocatedParameter[], source: string): ParameterSpace {
  if (described.length === 0) throw parameterErrors.MF_GAIT_PARAMETERS_NONE({ at: source });
  const indices = new Map<string, number>();
  for (const [index, { at, parameter }] of described.entries()) {
    const { name, min, max } = parameter;
    const fail = (problem: string) => parameterErrors.MF_GAIT_PARAMETER({ at, parameter: name, problem });
    const first = indices.get(name);
    if (first !== undefined) {
      throw fail(`is already described (${described[first]!.at}, number ${first + 1}). Rename or remove one`);
    }
    if (min > max) throw fail(`has min ${min} above max ${max}. Swap or correct them`);
    if (parameter.default < min || parameter.default > max) {
      throw fail(`has default ${parameter.default} outside its range ${min} … ${max}. Correct one of them`);
    }
    indices.set(name, index);
  }
  const parameters = described.map(({ parameter }) => parameter);
  return {
    parameters,
    indexOf(name) {
      const index = indices.get(name);
      if (index !== undefined) return index;
      const near = didYouMean(name, indices.keys());
      throw parameterErrors.MF_GAIT_PARAMETER_UNKNOWN({ name, near, count: parameters.length });
    },
  };
}

/** How many parameters are known (upstream's `getNumKnownParam`). */
export const numKnownParams = ({ parameters }: ParameterSpace): number => parameters.filter((p) => p.known).length;

/** The values of a healthy gait. */
export const defaultParams = ({ parameters }: ParameterSpace): Float32Array =>
  Float32Array.from(parameters, (parameter) => parameter.default);

/**
 * Rows of raw values as shares of their ranges, (p − min)/(max − min); 0 where min = max (upstream's
 * `getNormalizedParamStateFromParam`). Values outside a range leave [0, 1]: nothing is cut.
 */
export function normalizedParamState(space: ParameterSpace, params: Float32Array | Float64Array): Float32Array {
  const { minima, spans } = ranges(space, params.length);
  const out = new Float32Array(params.length);
  for (let i = 0, j = 0; i < out.length; i++, j = (j + 1) % minima.length) {
    out[i] = spans[j] === 0 ? 0 : (params[i]! - minima[j]!) / spans[j]!;
  }
  return out;
}

/** The inverse of `normalizedParamState`; a parameter with min = max has that value. */
export function paramsFromNormalized(space: ParameterSpace, shares: Float32Array | Float64Array): Float32Array {
  const { minima, spans } = ranges(space, shares.length);
  const out = new Float32Array(shares.length);
  for (let i = 0, j = 0; i < out.length; i++, j = (j + 1) % minima.length) {
    out[i] = minima[j]! + shares[i]! * spans[j]!;
  }
  return out;
}

function ranges({ parameters }: ParameterSpace, length: number): { minima: Float64Array; spans: Float64Array } {
  if (length % parameters.length !== 0) {
    throw parameterErrors.MF_GAIT_PARAMETER_ROWS({ length, parameters: parameters.length });
  }
  return {
    minima: Float64Array.from(parameters, ({ min }) => min),
    spans: Float64Array.from(parameters, ({ min, max }) => max - min),
  };
}
