import { float32, type HostBatch } from "../../../../core/data/host-tensor.ts";
import { copyPart } from "../../../../core/data/rows.ts";
import type { SamplesOfRows } from "../../../../core/data/windowed.ts";
import { MOTION_WIDTH, SAMPLES } from "../motion/layout.ts";
import { phaseOf } from "../motion/phase.ts";

/** sin φ and cos φ of each sample of a motion, `[60, 2]`. */
const PHASES = Float32Array.from(Array.from({ length: SAMPLES }, (_, sample) => phaseOf(sample)).flat());

/** A batch of samples, zeroed: `parameters` `[B, parameters]`, `phase` `[B, 2]`, `motion` `[B, 101]`. */
export function emptySamples(parameters: number, count: number) {
  return {
    parameters: float32(new Float32Array(count * parameters), [count, parameters]),
    phase: float32(new Float32Array(count * 2), [count, 2]),
    motion: float32(new Float32Array(count * MOTION_WIDTH), [count, MOTION_WIDTH]),
  };
}

type Samples = ReturnType<typeof emptySamples>;

/** The 60 samples of each motion: its parameters, the sample's phase, the sample's channels. */
export const gaitSamples: SamplesOfRows = {
  perRow: SAMPLES,
  empty: (rows, count) => emptySamples(rows["parameters"]!.shape[1]!, count),
  gather(batch, at, rows, count, sample) {
    const { parameters, phase, motion } = batch as Samples;
    const { parameters: shares, motions } = rows as Required<HostBatch>;
    const width = parameters.shape[1]!;
    for (let i = 0; i < count; i++) {
      const place = sample(i);
      const row = Math.floor(place / SAMPLES);
      copyPart(parameters.data, (at + i) * width, shares!.data, row * width, width);
      copyPart(phase.data, (at + i) * 2, PHASES, (place - row * SAMPLES) * 2, 2);
      copyPart(motion.data, (at + i) * MOTION_WIDTH, motions!.data, place * MOTION_WIDTH, MOTION_WIDTH);
    }
  },
};
