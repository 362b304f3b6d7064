import { FUNCTIONS, MUSCLES, type MuscleFunction } from "../parameters/muscles.ts";
import { shippedParameters } from "../parameters/shipped.ts";
import type { Side } from "../skeleton/body.ts";

/** By muscle function: 0 when healthy … 1 when its muscles are as weak, or short, as the description allows. */
export type Scores = Readonly<Record<MuscleFunction, number>>;

/** The state of one side's muscles. */
export interface Impairment {
  readonly weakness: Scores;
  readonly contracture: Scores;
}

/** People walk with reserves: weakness hardly shows before a third of the strength is lost, and then soon in full. */
const weaknessShown = (loss: number): number =>
  (Math.tanh(6 * (loss - 0.35)) + Math.tanh(2.1)) / (Math.tanh(3.9) + Math.tanh(2.1));

/** Walking uses most of a muscle's length, so that its shortening shows at once, and less and less with more of it. */
const contractureShown = (loss: number): number => Math.tanh(2.5 * loss) / Math.tanh(2.5);

/** A parameter's share of a function's loss: `scale · (max − value)`. */
interface Term {
  readonly parameter: number;
  readonly max: number;
  readonly scale: number;
}

type Group = "muscle_force" | "muscle_length";

const TERMS = { R: termsOfSide("R"), L: termsOfSide("L") };

/** The state of a side's muscles in the row of raw parameters that starts at `at`. */
export const impairment = (params: ArrayLike<number>, at: number, side: Side): Impairment => ({
  weakness: scores(TERMS[side].weakness, params, at, weaknessShown),
  contracture: scores(TERMS[side].contracture, params, at, contractureShown),
});

function scores(
  terms: Readonly<Record<MuscleFunction, readonly Term[]>>,
  params: ArrayLike<number>,
  at: number,
  shown: (loss: number) => number,
): Scores {
  return byFunction((name) => {
    let loss = 0;
    for (const { parameter, max, scale } of terms[name]) loss += scale * (max - params[at + parameter]!);
    return shown(loss);
  });
}

function termsOfSide(side: Side) {
  return {
    weakness: byFunction((name) => termsOf("muscle_force", name, side)),
    contracture: byFunction((name) => termsOf("muscle_length", name, side)),
  };
}

/** The muscles of a function, each with the same weight: broad ones, which are listed in parts, count more. */
function termsOf(group: Group, name: MuscleFunction, side: Side): Term[] {
  const space = shippedParameters();
  const muscles = MUSCLES.filter(
    ({ functions, forceOnly }) => functions.includes(name) && (group === "muscle_force" || forceOnly !== true),
  );
  return muscles.map((muscle) => {
    const parameter = space.indexOf(`${group}_${muscle.name}_${side}`);
    const { min, max } = space.parameters[parameter]!;
    return { parameter, max, scale: 1 / (muscles.length * (max - min)) };
  });
}

function byFunction<T>(value: (name: MuscleFunction) => T): Record<MuscleFunction, T> {
  const out = {} as Record<MuscleFunction, T>;
  for (const name of FUNCTIONS) out[name] = value(name);
  return out;
}
