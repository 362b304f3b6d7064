import { createStream, type RandomStream } from "../../../core/random.ts";

/** Control steps of an episode. */
export const EPISODE_STEPS = 50;
/** How near a goal counts as reached; strictly less. */
export const GOAL_DISTANCE = 0.05;

const INNER_STEP_S = 0.005;
const INNER_STEPS = 10;
const POSITION_GAIN = 10;
const VELOCITY_GAIN = 5;

/**
 * Particles in the unit cube of `dims` dimensions that advance together, each drawn by a spring and a damper to the
 * position its action names (Florence et al. 2021, `environments/particle`). Arrays are `[count, dims]`, float64.
 */
export interface Particles {
  readonly dims: number;
  readonly count: number;
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  readonly firstGoal: Float64Array;
  readonly secondGoal: Float64Array;
  /** Smallest distance to the first goal after any control step so far, `[count]`; infinite before the first. */
  readonly firstDistance: Float64Array;
  readonly secondDistance: Float64Array;
}

/** One particle per stream: position, first goal and second goal, each uniform in the cube, drawn in that order; at rest. */
export function resetParticles(dims: number, streams: readonly RandomStream[]): Particles {
  const count = streams.length;
  const [position, firstGoal, secondGoal] = [0, 1, 2].map(() => new Float64Array(count * dims)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (const [i, random] of streams.entries()) {
    for (const array of [position, firstGoal, secondGoal]) {
      for (let d = 0; d < dims; d++) array[i * dims + d] = random.uniform();
    }
  }
  return {
    dims,
    count,
    position,
    velocity: new Float64Array(count * dims),
    firstGoal,
    secondGoal,
    firstDistance: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
    secondDistance: new Float64Array(count).fill(Number.POSITIVE_INFINITY),
  };
}

/** The streams of episodes 0, 1, … of a seed: an episode is the same, however many are asked for. */
export const episodeStreams = (seed: number, name: string, count: number): RandomStream[] =>
  Array.from({ length: count }, (_, episode) => createStream(seed, name, episode));

/**
 * The particles after one control step of 0.05 s with these actions `[count, dims]`: ten explicit Euler steps, in which
 * the position moves by the old velocity. Actions are not clipped.
 */
export function stepParticles(particles: Particles, action: Float64Array): Particles {
  const position = particles.position.slice();
  const velocity = particles.velocity.slice();
  for (let i = 0; i < position.length; i++) {
    let x = position[i]!;
    let v = velocity[i]!;
    for (let inner = 0; inner < INNER_STEPS; inner++) {
      const acceleration = POSITION_GAIN * (action[i]! - x) - VELOCITY_GAIN * v;
      x += v * INNER_STEP_S;
      v += acceleration * INNER_STEP_S;
    }
    position[i] = x;
    velocity[i] = v;
  }
  const moved = { ...particles, position, velocity };
  return {
    ...moved,
    firstDistance: minimum(particles.firstDistance, distances(position, particles.firstGoal, particles.dims)),
    secondDistance: minimum(particles.secondDistance, distances(position, particles.secondGoal, particles.dims)),
  };
}

/** What is seen of each particle, `[count, 4·dims]`: position, velocity, first goal, second goal. */
export function observeParticles({ dims, count, position, velocity, firstGoal, secondGoal }: Particles): Float64Array {
  const observation = new Float64Array(count * 4 * dims);
  for (let i = 0; i < count; i++) {
    for (const [field, array] of [position, velocity, firstGoal, secondGoal].entries()) {
      observation.set(array.subarray(i * dims, (i + 1) * dims), (4 * i + field) * dims);
    }
  }
  return observation;
}

/** Euclidean distances of points `[count, dims]` from others, `[count]`. */
export function distances(a: Float64Array, b: Float64Array, dims: number): Float64Array {
  return Float64Array.from({ length: a.length / dims }, (_, i) => {
    let sum = 0;
    for (let d = i * dims; d < (i + 1) * dims; d++) sum += (a[d]! - b[d]!) ** 2;
    return Math.sqrt(sum);
  });
}

const minimum = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => Math.min(value, b[i]!));
