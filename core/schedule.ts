/** A factor of the peak learning rate at a step: a pure function, so that resuming needs no state. */
export type Schedule = (step: number) => number;

/** From 0 to 1 over `warmup` steps (the first step already moves), then `after` counted from the end of the warm-up. */
const warm =
  (warmup: number, after: Schedule): Schedule =>
  (step) =>
    step < warmup ? (step + 1) / (warmup + 1) : after(step - warmup);

/** Share of the way from 0 to `steps`, clamped. */
const progress = (step: number, steps: number): number => Math.min(1, Math.max(0, step / Math.max(1, steps)));

export const constant = (warmup = 0): Schedule => warm(warmup, () => 1);

/** Linear from 1 to `floor` over the steps that follow the warm-up. */
export const linear = (steps: number, warmup: number, floor: number): Schedule =>
  warm(warmup, (step) => 1 + (floor - 1) * progress(step, steps - warmup));

/** Half a cosine from 1 to `floor` over the steps that follow the warm-up (Loshchilov & Hutter 2017, without restarts). */
export const cosine = (steps: number, warmup: number, floor: number): Schedule =>
  warm(warmup, (step) => floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress(step, steps - warmup))));

/** decay^(step/every); `staircase` takes the whole part of the exponent. TensorFlow's ExponentialDecay. */
export const exponential = (decay: number, every: number, staircase: boolean, warmup = 0): Schedule =>
  warm(warmup, (step) => decay ** (staircase ? Math.floor(step / every) : step / every));

/** factors[i] from boundaries[i−1] (inclusive) to boundaries[i]; one factor more than boundaries. */
export const piecewise =
  (boundaries: readonly number[], factors: readonly number[]): Schedule =>
  (step) =>
    factors[boundaries.filter((b) => step >= b).length]!;
