import { toFloat32 } from "../../../../core/data/convert.ts";
import { type NpzFile, openNpz } from "../../../../core/data/npz-head.ts";
import { npzRows } from "../../../../core/data/npz-rows.ts";
import { MOTION_WIDTH } from "../motion/layout.ts";
import { gaitDataErrors } from "./errors.ts";
import { checkChannels, checkParameterWidth, type Description, parameterCheck, SYNTHETIC_MARK } from "./rows.ts";

/** Roll-outs of a simulation, in one file one after another. */
export interface RollOuts {
  readonly frames: NpzFile;
  /** Frames of each roll-out. */
  readonly lengths: readonly number[];
  /** `[rollouts, parameters]`, raw. */
  readonly params: Float32Array;
  readonly synthetic: boolean;
}

export interface RollOut {
  /** `[parameters]`, raw. */
  readonly params: Float32Array;
  /** `[frames, 101]`; root x and z are positions. */
  readonly motions: Float32Array;
  /** `[frames]`, in [0, 1]. */
  readonly phase: Float32Array;
}

/**
 * Opens a file of roll-outs: `motions` `[frames, 101]` and `phase` `[frames]` of all, `lengths` `[rollouts]` and `params`
 * `[rollouts, parameters]`. Throws MF_FILE_…, MF_DATA_VALUE, MF_GAIT_DATA_WIDTH, MF_GAIT_DATA_VALUE, MF_GAIT_ROLLOUT.
 */
export async function openRollOuts(path: string, description: Description): Promise<RollOuts> {
  const frames = await openNpz(path, { motions: [MOTION_WIDTH], phase: [] });
  const heads = await openNpz(path, { params: [null], lengths: [] });
  checkParameterWidth(heads, description);
  const rows = npzRows([heads]);
  try {
    const { params, lengths } = await rows.read(0, heads.rows);
    const own = lengths === undefined ? [] : Array.from(lengths.data);
    checkLengths(own, frames);
    const values = params === undefined ? new Float32Array(0) : toFloat32(params).data;
    parameterCheck(description.space)(values, path, 0);
    return { frames, lengths: own, params: values, synthetic: frames.names.includes(SYNTHETIC_MARK) };
  } finally {
    await rows.close?.();
  }
}

function checkLengths(lengths: readonly number[], { path, rows }: NpzFile): void {
  const fail = (problem: string) => gaitDataErrors.MF_GAIT_ROLLOUT({ path, problem });
  const wrong = lengths.findIndex((length) => !Number.isInteger(length) || length < 0);
  if (wrong >= 0)
    throw fail(`array "lengths" has ${lengths[wrong]} at row ${wrong}; it counts the frames of a roll-out`);
  const sum = lengths.reduce((all, length) => all + length, 0);
  if (sum !== rows) throw fail(`the ${lengths.length} "lengths" add up to ${sum}, and "motions" has ${rows} frames`);
}

/** The roll-outs of a file in turn; one is in memory. Throws MF_GAIT_DATA_VALUE for a frame that is not finite. */
export async function* rollOutsOf({ frames, lengths, params }: RollOuts): AsyncGenerator<RollOut> {
  const width = params.length / Math.max(1, lengths.length);
  const rows = npzRows([frames], (given, { path }, firstRow) => {
    const motions = toFloat32(given["motions"]!);
    const phase = toFloat32(given["phase"]!);
    checkChannels(motions.data, 1, path, firstRow);
    const wrong = phase.data.findIndex((value) => !(value >= 0 && value <= 1));
    if (wrong >= 0) {
      const problem = `${phase.data[wrong]} is no phase of a cycle, from 0 to 1`;
      throw gaitDataErrors.MF_GAIT_DATA_VALUE({ path, array: "phase", row: firstRow + wrong, problem });
    }
    return { motions, phase };
  });
  try {
    let start = 0;
    for (const [i, length] of lengths.entries()) {
      if (length === 0) continue;
      const { motions, phase } = await rows.read(start, length);
      yield {
        params: params.subarray(i * width, (i + 1) * width),
        motions: motions!.data as Float32Array,
        phase: phase!.data as Float32Array,
      };
      start += length;
    }
  } finally {
    await rows.close?.();
  }
}
