import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeError } from "../../../core/data/bytes.ts";
import type { DataGenerator } from "../../../core/data/generator.ts";
import { writeNpz } from "../../../core/data/npz.ts";
import { parseOptions } from "../../../core/plugin.ts";
import { type Demonstration, demonstrate, encodeTrajectory, toArrays } from "./demonstrations.ts";
import { particleErrors } from "./errors.ts";

const optionsSchema = z.strictObject({
  dims: z.number().int().positive().max(1024).default(2).describe("dimensions of the cube the particle moves in"),
  episodes: z.number().int().positive().max(1_000_000).default(2000).describe("demonstrations to write"),
  seed: z.number().int().min(0).default(0).describe("decides where particles and goals are"),
});

/** Writes the oracle's episodes: one file for an `out` that ends in .npz, else a folder with a .json for each episode. */
export const particleGenerator: DataGenerator = {
  name: "particle",
  summary: "demonstrations of a particle that visits two goals: a folder of .json trajectories, or one .npz",
  options: optionsSchema,
  async generate(given, out, progress) {
    const { dims, episodes, seed } = parseOptions("particle", optionsSchema, given);
    const demonstrations = await demonstrate(dims, episodes, seed);
    if (out.endsWith(".npz")) await writeNpz(out, toArrays(demonstrations));
    else await writeFolder(out, demonstrations, progress);
    progress(1);
    return { out, dims, episodes, steps: demonstrations[0]!.steps, seed };
  },
};

async function writeFolder(
  folder: string,
  demonstrations: readonly Demonstration[],
  progress: (share: number) => void,
): Promise<void> {
  const digits = Math.max(4, String(demonstrations.length - 1).length);
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) throw particleErrors.MF_PARTICLE_OUT({ path: folder });
    for (const [i, demonstration] of demonstrations.entries()) {
      const name = `episode-${String(i).padStart(digits, "0")}.json`;
      await writeFile(join(folder, name), `${encodeTrajectory(demonstration)}\n`);
      progress((i + 1) / demonstrations.length);
    }
  } catch (cause) {
    throw writeError(folder, cause);
  }
}
