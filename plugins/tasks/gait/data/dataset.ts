import type { Dataset } from "../../../../core/data/dataset.ts";
import { generatedDataset } from "../../../../core/data/datasets.ts";
import { float32 } from "../../../../core/data/host-tensor.ts";
import type { NpzFile } from "../../../../core/data/npz-head.ts";
import { npzRows } from "../../../../core/data/npz-rows.ts";
import { windowedDataset } from "../../../../core/data/windowed.ts";
import { SAMPLES } from "../motion/layout.ts";
import { parametersFromJson } from "../parameters/read.ts";
import { type GaitParameter, normalizedParamState } from "../parameters/space.ts";
import { syntheticMotion } from "../synthetic/motion.ts";
import { syntheticParams } from "../synthetic/params.ts";
import { MOTION_CHANNELS, trainingRows } from "./rows.ts";
import { emptySamples, gaitSamples } from "./samples.ts";

/** Where a worker thread finds the functions below; their options are plain data. */
export const samplesModule = import.meta.url;

export interface FileSamples {
  readonly files: readonly NpzFile[];
  readonly parameters: readonly GaitParameter[];
  readonly windowRows: number;
  readonly passes: number;
}

/** Samples of files of motions, shuffled in windows. */
export const fileSamples = ({ files, parameters, windowRows, passes }: FileSamples): Dataset =>
  windowedDataset(npzRows(files, trainingRows(parametersFromJson(parameters, "gait parameters"))), {
    windowRows,
    passes,
    samples: gaitSamples,
  });

export interface SyntheticSamples {
  readonly parameters: readonly GaitParameter[];
}

/** Samples that are taken of each synthetic motion: all of it is computed for the first. */
const SAMPLES_PER_MOTION = 8;

/** Samples of synthetic motions, without end. */
export function syntheticSamples({ parameters }: SyntheticSamples): Dataset {
  const space = parametersFromJson(parameters, "gait parameters");
  const width = parameters.length;
  return generatedDataset((random, count) => {
    const motions = Math.ceil(count / SAMPLES_PER_MOTION);
    const params = syntheticParams(random, motions);
    const shares = normalizedParamState(space, params);
    const batch = emptySamples(width, count);
    for (let motion = 0; motion < motions; motion++) {
      const row = float32(shares.subarray(motion * width, (motion + 1) * width), [1, width]);
      const whole = float32(syntheticMotion(params, motion * width), [1, MOTION_CHANNELS]);
      const first = motion * SAMPLES_PER_MOTION;
      const taken = Math.min(SAMPLES_PER_MOTION, count - first);
      gaitSamples.gather(batch, first, { parameters: row, motions: whole }, taken, () => random.below(SAMPLES));
    }
    return batch;
  });
}
