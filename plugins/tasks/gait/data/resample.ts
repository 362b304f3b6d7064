import { MOTION_WIDTH, ROOT_DX, ROOT_DZ, SAMPLES, SAMPLES_PER_CYCLE } from "../motion/layout.ts";

/** A roll-out must be longer: about two cycles of a slow walk after the start. Park et al. (2023). */
export const SHORTEST_FRAMES = 140;

/**
 * Gait phases in [0, 1) as cycles that go on: a step of more than half a cycle is one the other way round. Cycle 0 is the
 * first that begins in the roll-out; what comes before is negative. NaN throughout where none begins.
 */
export function unwrapped(phase: ArrayLike<number>): Float64Array {
  const cycles = new Float64Array(phase.length);
  let turns = 0;
  let begun = Number.NaN;
  for (let i = 0; i < phase.length; i++) {
    const step = i === 0 ? 0 : phase[i]! - phase[i - 1]!;
    if (step < -0.5) turns++;
    if (step > 0.5) turns--;
    if (turns > 0 && Number.isNaN(begun)) begun = turns;
    cycles[i] = phase[i]! + turns;
  }
  return cycles.map((cycle) => cycle - begun);
}

/**
 * Two cycles of a roll-out `[frames, 101]` at 30 phases each, `[60·101]`: channels linear in phase between the frames
 * around; root x and z, which are positions in the roll-out, as displacement since the frame before (one control frame,
 * 1/30 s), its height as it is. Null for a roll-out that holds less than two whole cycles. After Park et al. (2023),
 * `augument_raw_data.py`.
 */
export function resampled(frames: Float32Array, phase: ArrayLike<number>): Float32Array | null {
  const cycles = unwrapped(phase);
  const motion = new Float32Array(SAMPLES * MOTION_WIDTH);
  let frame = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const due = sample / SAMPLES_PER_CYCLE;
    while (frame + 1 < cycles.length && !(cycles[frame]! <= due && due < cycles[frame + 1]!)) frame++;
    if (frame + 1 >= cycles.length) return null;
    const share = (due - cycles[frame]!) / (cycles[frame + 1]! - cycles[frame]!);
    const at = frame * MOTION_WIDTH;
    for (let channel = 0; channel < MOTION_WIDTH; channel++) {
      const isPosition = channel === ROOT_DX || channel === ROOT_DZ;
      const before = isPosition ? displacement(frames, frame, channel) : frames[at + channel]!;
      const after = isPosition ? displacement(frames, frame + 1, channel) : frames[at + MOTION_WIDTH + channel]!;
      motion[sample * MOTION_WIDTH + channel] = (1 - share) * before + share * after;
    }
  }
  return motion;
}

/** Since the frame before; the first frame is taken to move as the second does. */
function displacement(frames: Float32Array, frame: number, channel: number): number {
  const at = Math.max(1, frame) * MOTION_WIDTH + channel;
  return frames[at]! - frames[at - MOTION_WIDTH]!;
}
