import { basename, join } from "node:path";
import { z } from "zod";
import type { DataConverter } from "../../../../core/data/generator.ts";
import { float32, type HostTensor } from "../../../../core/data/host-tensor.ts";
import { writeNpz } from "../../../../core/data/npz.ts";
import { isMfError } from "../../../../core/errors.ts";
import type { Json } from "../../../../core/json.ts";
import { parseOptions } from "../../../../core/plugin.ts";
import { gaitDataErrors } from "./errors.ts";
import { makeEmptyFolder, npzFiles } from "./files.ts";
import { resampled, SHORTEST_FRAMES } from "./resample.ts";
import { openRollOuts, rollOutsOf } from "./roll-outs.ts";
import { type Description, loadDescription, SYNTHETIC_MARK } from "./rows.ts";

const optionsSchema = z.strictObject({
  parameters: z.string().nullable().default(null).describe("an XML or JSON description; null for the shipped one"),
  motions: z.number().int().positive().max(100_000).default(4096).describe("motions a file"),
  skipBadFiles: z.boolean().default(false).describe("leaves files out that cannot be read or hold bad values"),
});

/** A motion of 60 samples `[6060]`, and the parameters `[parameters]` it was simulated with. */
interface Motion {
  readonly params: Float32Array;
  readonly channels: Float32Array;
}

/** What became of the roll-outs of a file. */
interface Converted {
  readonly motions: readonly Motion[];
  readonly synthetic: boolean;
  readonly rollouts: number;
  readonly short: number;
  readonly incomplete: number;
}

/** Raw roll-outs, a folder of `.npz` files, to motions of two cycles in files of 4096. */
export const gaitConverter: DataConverter = {
  name: "gait",
  summary: "roll-outs of a simulation to motions of 60 samples, by phase: a folder of .npz files to another",
  options: optionsSchema,
  async convert(given, from, out, progress) {
    const options = parseOptions("gait", optionsSchema, given);
    const description = loadDescription(options.parameters);
    const paths = await npzFiles(from);
    await makeEmptyFolder(out);
    const bad: { file: string; problem: string }[] = [];
    const sums = { rollouts: 0, short: 0, incomplete: 0 };
    const writer = motionWriter(out, options.motions);
    for (const [i, path] of paths.entries()) {
      const converted = await convertFile(path, description).catch((error: unknown) => {
        if (!options.skipBadFiles || !isMfError(error) || error.fault !== "user") throw error;
        bad.push({ file: basename(path), problem: error.message });
        return null;
      });
      if (converted !== null) {
        for (const count of ["rollouts", "short", "incomplete"] as const) sums[count] += converted[count];
        for (const motion of converted.motions) await writer.add(motion, converted.synthetic);
      }
      progress((i + 1) / paths.length);
    }
    const { files, motions } = await writer.end();
    const { rollouts, short, incomplete } = sums;
    if (motions === 0) {
      throw gaitDataErrors.MF_GAIT_ROLLOUTS_NONE({ path: from, rollouts, short, incomplete, badFiles: bad.length });
    }
    return { in: from, out, files, motions, rollouts, short, incomplete, bad_files: bad } satisfies Json;
  },
};

async function convertFile(path: string, description: Description): Promise<Converted> {
  const file = await openRollOuts(path, description);
  const motions: Motion[] = [];
  let incomplete = 0;
  for await (const { params, motions: frames, phase } of rollOutsOf(file)) {
    if (phase.length <= SHORTEST_FRAMES) continue;
    const channels = resampled(frames, phase);
    if (channels === null) incomplete++;
    else motions.push({ params, channels });
  }
  const short = file.lengths.filter((frames) => frames <= SHORTEST_FRAMES).length;
  return { motions, synthetic: file.synthetic, rollouts: file.lengths.length, short, incomplete };
}

/** Collects motions and writes a file of each `perFile` of them: `gait-0000.npz`, or `synthetic-0000.npz`. */
function motionWriter(folder: string, perFile: number) {
  let waiting: Motion[] = [];
  let synthetic = false;
  const written = { files: 0, motions: 0 };
  const flush = async (): Promise<void> => {
    const count = waiting.length;
    if (count === 0) return;
    const name = `${synthetic ? SYNTHETIC_MARK : "gait"}-${String(written.files).padStart(4, "0")}.npz`;
    await writeNpz(join(folder, name), {
      motions: together(waiting.map(({ channels }) => channels)),
      params: together(waiting.map(({ params }) => params)),
      ...(synthetic ? { [SYNTHETIC_MARK]: { dtype: "int32", shape: [1], data: Int32Array.of(1) } } : {}),
    });
    written.files++;
    written.motions += count;
    waiting = [];
    synthetic = false;
  };
  return {
    async add(motion: Motion, isSynthetic: boolean): Promise<void> {
      waiting.push(motion);
      synthetic ||= isSynthetic;
      if (waiting.length === perFile) await flush();
    },
    async end() {
      await flush();
      return written;
    },
  };
}

/** Rows of equal width as one array. */
function together(rows: readonly Float32Array[]): HostTensor<"float32"> {
  const width = rows[0]!.length;
  const all = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return float32(all, [rows.length, width]);
}
