import type { Policy } from "./rollout.ts";

/** How near the first goal the oracle goes before it turns to the second. */
const TURN_DISTANCE = 0.01;

/** Which quarter of an observation holds what. */
const FIELD = { position: 0, velocity: 1, firstGoal: 2, secondGoal: 3 } as const;

/** A field of the newer of two observations: a view of `dims` numbers of frames `[count, 2, 4·dims]`. */
export const fieldOf = (frames: Float64Array, dims: number, i: number, field: keyof typeof FIELD): Float64Array => {
  const from = (8 * i + 4 + FIELD[field]) * dims;
  return frames.subarray(from, from + dims);
};

/** An action for each particle on its own. */
export function eachParticle(dims: number, act: (frames: Float64Array, i: number) => ArrayLike<number>): Policy {
  return (frames) => {
    const count = frames.length / (8 * dims);
    const actions = new Float64Array(count * dims);
    for (let i = 0; i < count; i++) actions.set(act(frames, i), i * dims);
    return actions;
  };
}

/**
 * The demonstrator: the first goal is the setpoint until the particle is within 0.01 of it, from then on the second, also
 * when the first is left again (`particle_oracles.py`).
 */
export function oracle(dims: number): Policy {
  const turned = new Set<number>();
  return eachParticle(dims, (frames, i) => {
    const position = fieldOf(frames, dims, i, "position");
    const firstGoal = fieldOf(frames, dims, i, "firstGoal");
    if (Math.hypot(...position.map((x, d) => x - firstGoal[d]!)) < TURN_DISTANCE) turned.add(i);
    return turned.has(i) ? fieldOf(frames, dims, i, "secondGoal") : firstGoal;
  });
}
