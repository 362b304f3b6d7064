import { MOTION_WIDTH, SAMPLES } from "../motion/layout.ts";
import { gaitDataErrors } from "./errors.ts";
import type { GaitDataOptions } from "./options.ts";

const MIB = 2 ** 20;

/**
 * Bytes of the limit that are not for windows and batches: the reading thread itself (35 MiB), and what either thread has
 * done with and not yet collected, which V8 lets grow to 64 MiB and more in each. Measured.
 */
const RESERVED_BYTES = 192 * MIB;

/** Bytes of batches to have ready, and how many batches that may be. */
const AHEAD_BYTES = 16 * MIB;
const FEWEST_AHEAD = 2;
const MOST_AHEAD = 16;

/** What batches are made of. */
export interface BatchSize {
  readonly batchSize: number;
  /** Parameters of the description. */
  readonly parameters: number;
}

const batchBytes = ({ batchSize, parameters }: BatchSize): number => 4 * batchSize * (parameters + 2 + MOTION_WIDTH);

/** Batches to have ready. */
export const batchesAhead = (batch: BatchSize): number =>
  Math.min(MOST_AHEAD, Math.max(FEWEST_AHEAD, Math.floor(AHEAD_BYTES / batchBytes(batch))));

/**
 * Motions of a window: as many as the chunk asks for, or as fit. Two windows are held beside the batches, unless one holds
 * all `motions`. Throws MF_GAIT_DATA_MEMORY where they do not fit.
 */
export function windowMotions(
  { memoryMb, chunk }: Pick<GaitDataOptions, "memoryMb" | "chunk">,
  motions: number,
  batch: BatchSize,
): number {
  // A sixteenth more for the blocks that windows are filled from.
  const motionBytes = 4 * (SAMPLES * MOTION_WIDTH + batch.parameters) * (1 + 1 / 16);
  // Besides those that wait, one batch is being made and one is trained on.
  const batches = (batchesAhead(batch) + 2) * batchBytes(batch);
  const fitting = Math.floor((memoryMb * MIB - RESERVED_BYTES - batches) / motionBytes);
  const asked = chunk.rows === null ? null : Math.max(1, Math.floor(chunk.rows / SAMPLES));
  const most = asked ?? (fitting < motions ? Math.floor(fitting / 2) : motions);
  const held = most < motions ? 2 * Math.max(1, most) : motions;
  if (held > fitting) {
    throw gaitDataErrors.MF_GAIT_DATA_MEMORY({
      memoryMb,
      chunk: chunk.rows,
      batchSize: batch.batchSize,
      neededMb: Math.ceil((RESERVED_BYTES + batches + held * motionBytes) / MIB),
    });
  }
  return Math.min(most, motions);
}
