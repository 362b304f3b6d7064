import { join } from "node:path";
import { z } from "zod";
import type { DataGenerator } from "../../../../core/data/generator.ts";
import { float32 } from "../../../../core/data/host-tensor.ts";
import { writeNpz } from "../../../../core/data/npz.ts";
import { parseOptions } from "../../../../core/plugin.ts";
import { createStream } from "../../../../core/random.ts";
import { makeEmptyFolder } from "../data/files.ts";
import { MOTION_CHANNELS, SYNTHETIC_MARK } from "../data/rows.ts";
import { syntheticMotion } from "./motion.ts";
import { syntheticParams } from "./params.ts";

const optionsSchema = z.strictObject({
  motions: z.number().int().positive().max(16_384).default(4096).describe("motions a file"),
  files: z.number().int().positive().max(10_000).default(8).describe("files to write"),
  seed: z.number().int().min(0).default(0).describe("decides every number"),
});

/** Motions between two looks at the world outside. */
const CHUNK = 256;

/**
 * Writes `synthetic-0000.npz` … into an empty folder, one file at a time: motions `[n, 6060]`, params `[n, 279]`
 * (raw), both float32, and the mark that they are synthetic.
 */
export const gaitGenerator: DataGenerator = {
  name: "gait",
  summary: "synthetic gait: motions of made-up walkers with their parameters, a folder of .npz files",
  options: optionsSchema,
  async generate(given, out, progress) {
    const { motions, files, seed } = parseOptions("gait", optionsSchema, given);
    await makeEmptyFolder(out);
    for (let file = 0; file < files; file++) {
      const params = syntheticParams(createStream(seed, "gait/generate", file), motions);
      const width = params.length / motions;
      const channels = new Float32Array(motions * MOTION_CHANNELS);
      for (let from = 0; from < motions; from += CHUNK) {
        const to = Math.min(from + CHUNK, motions);
        for (let i = from; i < to; i++) channels.set(syntheticMotion(params, i * width), i * MOTION_CHANNELS);
        progress((file + to / motions) / files);
        // Lets a progress bar draw and Ctrl-C arrive.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writeNpz(join(out, `${SYNTHETIC_MARK}-${String(file).padStart(4, "0")}.npz`), {
        motions: float32(channels, [motions, MOTION_CHANNELS]),
        params: float32(params, [motions, width]),
        [SYNTHETIC_MARK]: { dtype: "int32", shape: [1], data: Int32Array.of(1) },
      });
    }
    return { out, files, motions: files * motions, seed, synthetic: true };
  },
};
