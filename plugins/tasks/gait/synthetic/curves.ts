import { SAMPLES_PER_CYCLE } from "../motion/layout.ts";

/** A quantity over the gait cycle of one leg, from its heel strike on: a value for each of 30 samples. */
export type Curve = Float64Array;

export const radians = (degrees: number): number => (degrees * Math.PI) / 180;

const HARMONICS = 6;

/** The trigonometric polynomial of 6 harmonics that is nearest to values (degrees) at every 5 % of the cycle; rad. */
function curve(degrees: readonly number[]): Curve {
  const keys = degrees.length;
  return overCycle((phi) => {
    let sum = 0;
    for (const [k, value] of degrees.entries()) {
      const distance = phi - (2 * Math.PI * k) / keys;
      for (let n = -HARMONICS; n <= HARMONICS; n++) sum += (value / keys) * Math.cos(n * distance);
    }
    return radians(sum);
  });
}

/** A smooth bump, 1 at `centre` (share of the cycle), the narrower the larger `sharpness`: von Mises' density. */
const bump = (centre: number, sharpness: number): Curve =>
  overCycle((phi) => Math.exp(sharpness * (Math.cos(phi - 2 * Math.PI * centre) - 1)));

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function overCycle(value: (phi: number) => number): Curve {
  return Float64Array.from({ length: SAMPLES_PER_CYCLE }, (_, i) => value((2 * Math.PI * i) / SAMPLES_PER_CYCLE));
}

/**
 * Level walking of healthy adults at their own speed. Textbook curves (Winter 1991, "Biomechanics and Motor Control of
 * Human Gait"; Perry & Burnfield 2010, "Gait Analysis"), read off by eye and then moved by a few degrees so that a foot
 * on the ground passes below the body at an even speed. Flexion and toes up are positive.
 */
// biome-ignore format: a row is half a cycle.
export const HIP_FLEXION = curve([
  31, 28, 29, 25, 21, 14, 8, 2, -3, -8,
  -11, -9, -2, 5, 13, 24, 32, 35, 35, 32,
]);
/** The knee yields to the load early in stance … */
// biome-ignore format: a row is half a cycle.
export const KNEE_LOADING = curve([
  0, 4, 10, 15, 13, 9, 6, 2, 2, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
/** … and bends to bring the foot forward. With 4° of rest, the sum is the knee's flexion. */
// biome-ignore format: a row is half a cycle.
export const KNEE_SWING = curve([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  2, 14, 31, 47, 56, 59, 49, 31, 12, 2,
]);
/** The foot's pitch in the world: heel first, flat, over the toes, and back. The ankle's angle follows from it. */
// biome-ignore format: a row is half a cycle.
export const PITCH = curve([
  20, 6, 0, 0, 0, -2, -3, -4, -5, -10,
  -19, -36, -57, -66, -60, -44, -27, -4, 13, 20,
]);
/** Toes stay on the ground while the heel rises. */
// biome-ignore format: a row is half a cycle.
export const TOES = curve([
  6, 2, 0, 0, 0, 2, 3, 4, 5, 10,
  19, 32, 38, 24, 12, 8, 8, 8, 8, 8,
]);

/** Where a leg carries the body (12 … 50 % of its cycle alone), and where it is brought forward. */
export const STANCE = bump(0.3, 2);
export const SWING = bump(0.78, 3);
/** Near 1 while the foot is off the ground, 62 … 100 %, near 0 while it is on it. */
export const LIFTED = overCycle((phi) => logistic(12 * (Math.cos(phi - 2 * Math.PI * 0.81) - 0.59)));
/** The foot's share in carrying the root: it takes over at 5 % and hands over at 55 %; both feet's shares make 1. */
export const SUPPORT = overCycle((phi) => logistic(8 * Math.cos(phi - 2 * Math.PI * 0.3)));
/** First harmonics of what belongs to both sides: 1 at the right heel's strike, and a quarter of a cycle later. */
export const COSINE = overCycle(Math.cos);
export const SINE = overCycle(Math.sin);
