import { SAMPLES_PER_CYCLE } from "./layout.ts";

/** The gait phase of a motion's sample i as sin φ and cos φ, φ = 2π·i/30. Phase 0 is the right heel's strike. */
export function phaseOf(sample: number): [sin: number, cos: number] {
  const phi = (2 * Math.PI * sample) / SAMPLES_PER_CYCLE;
  return [Math.sin(phi), Math.cos(phi)];
}
