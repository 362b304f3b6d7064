import type { RandomStream } from "../../../../core/random.ts";
import { FUNCTIONS, MUSCLES, type MuscleFunction, SIDES } from "../parameters/muscles.ts";
import { shippedParameters } from "../parameters/shipped.ts";

/**
 * Shares of walkers whose muscles are all healthy, and who are impaired at knee and ankle only, as in the published
 * data.
 */
const HEALTHY = 0.03;
const KNEE_AND_ANKLE = 0.05;
/** Chance that a function is weak, or short, where it may be; and that the left side is like the right one. */
const AFFECTED = 0.4;
const SYMMETRIC = 0.3;
/** The muscles of an affected function lose between this share of its loss and all of it. */
const LEAST = 0.6;

const DISTAL: readonly MuscleFunction[] = [
  "kneeExtension",
  "kneeFlexion",
  "plantarflexion",
  "dorsiflexion",
  "inversion",
  "eversion",
  "toeFlexion",
  "toeExtension",
];

const GROUPS = ["muscle_force", "muscle_length"] as const;

/**
 * Muscle parameters with the place of what decides them: the group's and the side's loss of the muscle's first
 * function.
 */
const MUSCLE_PARAMETERS = GROUPS.flatMap((group, g) =>
  SIDES.flatMap((side, s) =>
    MUSCLES.filter(({ forceOnly }) => group === "muscle_force" || forceOnly !== true).map(({ name, functions }) => {
      const index = shippedParameters().indexOf(`${group}_${name}_${side}`);
      return { index, loss: (g * SIDES.length + s) * FUNCTIONS.length + FUNCTIONS.indexOf(functions[0]!) };
    }),
  ),
);

/**
 * Rows of raw parameters, `[count·279]`, of made-up walkers: gait, skeleton and torsion anywhere in their ranges, and
 * muscles impaired by function, so that weak or short muscles come together as they do in people.
 */
export function syntheticParams(random: RandomStream, count: number): Float32Array {
  const { parameters } = shippedParameters();
  const rows = new Float32Array(count * parameters.length);
  for (let at = 0; at < rows.length; at += parameters.length) {
    for (const [j, { min, max, known, default: healthy }] of parameters.entries()) {
      rows[at + j] = known ? min + (max - min) * random.uniform() : healthy;
    }
    const losses = functionLosses(random);
    for (const { index, loss } of MUSCLE_PARAMETERS) {
      if (losses[loss] === 0) continue;
      const { min, max } = parameters[index]!;
      rows[at + index] = max - (max - min) * losses[loss]! * (LEAST + (1 - LEAST) * random.uniform());
    }
  }
  return rows;
}

/** By group, side and function: the share of the range that is lost. */
function functionLosses(random: RandomStream): Float64Array {
  const losses = new Float64Array(GROUPS.length * SIDES.length * FUNCTIONS.length);
  const kind = random.uniform();
  if (kind < HEALTHY) return losses;
  const distalOnly = kind < HEALTHY + KNEE_AND_ANKLE;
  const symmetric = random.uniform() < SYMMETRIC;
  for (let g = 0; g < GROUPS.length; g++) {
    for (const [f, name] of FUNCTIONS.entries()) {
      const right = g * SIDES.length * FUNCTIONS.length + f;
      const chance = !distalOnly || DISTAL.includes(name) ? AFFECTED : 0;
      losses[right] = lossOf(random, chance);
      losses[right + FUNCTIONS.length] = symmetric ? losses[right] : lossOf(random, chance);
    }
  }
  return losses;
}

const lossOf = (random: RandomStream, chance: number): number => (random.uniform() < chance ? random.uniform() : 0);
