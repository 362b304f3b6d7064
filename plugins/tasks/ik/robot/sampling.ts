import type { RandomStream } from "../../../../core/random.ts";
import type { Chain, ChainJoint } from "./chain.ts";
import { checkSize } from "./kinematics.ts";

const TURN = 2 * Math.PI;

const turns = (joint: ChainJoint): boolean => joint.type !== "prismatic";

/**
 * Where a joint's values are drawn from: its limits, or the middle full turn of them when they span more.
 * One turn reaches every pose; drawing from two (UR10: ±360°) would only add copies.
 */
export function samplingRange(joint: ChainJoint): { lower: number; upper: number } {
  const { lower, upper } = joint;
  if (!turns(joint) || upper - lower <= TURN) return { lower, upper };
  const middle = (lower + upper) / 2;
  return { lower: middle - Math.PI, upper: middle + Math.PI };
}

/** Each joint in the middle of its range `[dof]`. */
export const middleConfiguration = (chain: Chain): number[] =>
  chain.joints.map(({ lower, upper }) => (lower + upper) / 2);

/** `count` joint configurations `[count, dof]`, each joint uniform over its `samplingRange`. */
export function sampleConfigurations(chain: Chain, random: RandomStream, count: number): Float64Array {
  const ranges = chain.joints.map(samplingRange);
  const dof = ranges.length;
  const q = new Float64Array(count * dof);
  for (let i = 0; i < q.length; i++) {
    const { lower, upper } = ranges[i % dof]!;
    q[i] = lower + (upper - lower) * random.uniform();
  }
  return q;
}

/**
 * Servo pairs `[count, dof]`: solutions q* and, near each, a source q* + N(0, sigma²) clamped to the limits.
 * Perturbing the solution, and not searching one for a source, leaves no choice between several solutions.
 */
export function sampleServoPairs(
  chain: Chain,
  random: RandomStream,
  count: number,
  sigma: number,
): { solutions: Float64Array; sources: Float64Array } {
  const solutions = sampleConfigurations(chain, random, count);
  const sources = solutions.map((value) => value + sigma * random.normal());
  return { solutions, sources: clampToLimits(chain, sources) };
}

/** Moves every value of `q` `[B, dof]` into its joint's limits, in place, and returns `q`. Continuous joints have none. */
export function clampToLimits<Q extends Float64Array | Float32Array>(chain: Chain, q: Q): Q {
  checkSize(chain, q);
  const dof = chain.joints.length;
  for (let i = 0; i < q.length; i++) {
    const { continuous, lower, upper } = chain.joints[i % dof]!;
    if (!continuous) q[i] = Math.min(upper, Math.max(lower, q[i]!));
  }
  return q;
}

/** True when every value of `q` `[dof]` lies in its joint's limits, give or take `tolerance`. */
export const withinLimits = (chain: Chain, q: ArrayLike<number>, tolerance = 1e-9): boolean =>
  chain.joints.every(
    ({ continuous, lower, upper }, i) => continuous || (q[i]! >= lower - tolerance && q[i]! <= upper + tolerance),
  );

/**
 * `solutions` `[B, dof]` with each joint moved by whole turns to the legal value nearest its source.
 * Only joints that span more than a turn can move: UR10 has up to two values for one pose, Panda one.
 */
export function nearestBranch(chain: Chain, solutions: ArrayLike<number>, sources: ArrayLike<number>): Float64Array {
  checkSize(chain, solutions);
  checkSize(chain, sources, solutions.length / chain.joints.length);
  return Float64Array.from(solutions, (value, i) => {
    const joint = chain.joints[i % chain.joints.length]!;
    if (!turns(joint)) return value;
    const wanted = Math.round((sources[i]! - value) / TURN);
    if (joint.continuous) return value + TURN * wanted;
    const least = Math.ceil((joint.lower - value) / TURN - 1e-9);
    const most = Math.floor((joint.upper - value) / TURN + 1e-9);
    return least > most ? value : value + TURN * Math.min(most, Math.max(least, wanted));
  });
}

/**
 * `to − from`, elementwise over `[B, dof]`; for continuous joints the shortest way round, in [−π, π].
 * A joint with limits gets the plain difference: its shortest arc can lead through an end stop.
 */
export function jointDifference(chain: Chain, from: ArrayLike<number>, to: ArrayLike<number>): Float64Array {
  checkSize(chain, from);
  checkSize(chain, to, from.length / chain.joints.length);
  return Float64Array.from(from, (start, i) => {
    const difference = to[i]! - start;
    const { continuous } = chain.joints[i % chain.joints.length]!;
    return continuous ? difference - TURN * Math.round(difference / TURN) : difference;
  });
}
