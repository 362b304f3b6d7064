import {
  distances,
  EPISODE_STEPS,
  GOAL_DISTANCE,
  observeParticles,
  type Particles,
  stepParticles,
} from "./environment.ts";

/**
 * Actions `[count, dims]` for the last two observations of each particle, `[count, 2, 4·dims]`, the older first. At the
 * first step both are the first observation. A policy may remember; one is made for one rollout.
 */
export type Policy = (frames: Float64Array) => Float64Array | Promise<Float64Array>;

/** What happened in episodes that ran together. */
export interface Rollout {
  readonly steps: number;
  /** `[steps + 1, count, dims]`, from the reset to after the last action. */
  readonly positions: readonly Float64Array[];
  readonly velocities: readonly Float64Array[];
  /** `[steps, count, dims]`. */
  readonly actions: readonly Float64Array[];
  readonly last: Particles;
}

/** Runs a policy in closed loop, all episodes together. */
export async function rollOut(start: Particles, policy: Policy, steps = EPISODE_STEPS): Promise<Rollout> {
  let now = start;
  let before = observeParticles(start);
  const positions = [start.position];
  const velocities = [start.velocity];
  const actions: Float64Array[] = [];
  for (let step = 0; step < steps; step++) {
    const observation = observeParticles(now);
    const action = await policy(pairFrames(before, observation, start.count));
    now = stepParticles(now, action);
    before = observation;
    actions.push(action);
    positions.push(now.position);
    velocities.push(now.velocity);
  }
  return { steps, positions, velocities, actions, last: now };
}

/** Two observations `[count, size]` side by side, `[count, 2, size]`. */
export function pairFrames(older: Float64Array, newer: Float64Array, count: number): Float64Array {
  const size = newer.length / count;
  const frames = new Float64Array(2 * newer.length);
  for (let i = 0; i < count; i++) {
    frames.set(older.subarray(i * size, (i + 1) * size), 2 * i * size);
    frames.set(newer.subarray(i * size, (i + 1) * size), (2 * i + 1) * size);
  }
  return frames;
}

/** Which episodes reached both goals, in either order, and ended at the second. */
export function succeeded({ dims, position, secondGoal, firstDistance, secondDistance }: Particles): boolean[] {
  const final = distances(position, secondGoal, dims);
  return Array.from(
    final,
    (d, i) => firstDistance[i]! < GOAL_DISTANCE && secondDistance[i]! < GOAL_DISTANCE && d < GOAL_DISTANCE,
  );
}

/** Share of successes with its 95 % interval, and mean distances in units of the cube's side. */
export function summarize(last: Particles): Record<string, number> {
  const successes = succeeded(last).filter(Boolean).length;
  const [low, high] = wilsonInterval(successes, last.count);
  return {
    success: successes / last.count,
    success_low: low,
    success_high: high,
    min_distance_goal1: mean(last.firstDistance),
    min_distance_goal2: mean(last.secondDistance),
    final_distance_goal2: mean(distances(last.position, last.secondGoal, last.dims)),
  };
}

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Wilson's 95 % interval of a share (Wilson 1927): inside [0, 1], and of some width also at 0 and 1. */
export function wilsonInterval(successes: number, count: number): [low: number, high: number] {
  const z = 1.959963984540054;
  const share = successes / count;
  const scale = 1 / (1 + (z * z) / count);
  const centre = scale * (share + (z * z) / (2 * count));
  const half = scale * z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
