import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { HostTensor } from "../../../../../core/data/host-tensor.ts";
import { encodeNpz } from "../../../../../core/data/npz.ts";
import type { Log } from "../../../../../core/plugin.ts";
import type { GaitDataOptions } from "../../../../../plugins/tasks/gait/data/options.ts";
import { shippedParameters } from "../../../../../plugins/tasks/gait/parameters/shipped.ts";

export const PARAMETERS = shippedParameters().parameters;

export const rows = (width: number, count: number, value: (row: number, column: number) => number): HostTensor => ({
  dtype: "float32",
  shape: [count, width],
  data: Float32Array.from({ length: count * width }, (_, i) => value(Math.floor(i / width), i % width)),
});

/** Share of its range that parameter j has in motion `id`: different ones for different motions. */
export const shareOf = (id: number, j: number): number => ((id * 7 + j * 13) % 101) / 100;

/** Channel c of sample s of motion `id`: tells all three. */
export const channelOf = (id: number, sample: number, channel: number): number => id + sample / 64 + channel / 8192;

/** Motions `first`, `first + 1`, … as a file holds them. */
export const motions = (count: number, first = 0): Record<string, HostTensor> => ({
  motions: rows(6060, count, (row, i) => channelOf(first + row, Math.floor(i / 101), i % 101)),
  params: rows(PARAMETERS.length, count, (row, j) => {
    const { min, max } = PARAMETERS[j]!;
    return min + (max - min) * shareOf(first + row, j);
  }),
});

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A new folder with these files: arrays, or bytes as they are. */
export async function folderOf(
  files: Readonly<Record<string, Record<string, HostTensor> | Uint8Array>>,
  compressed = false,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mf-gait-"));
  folders.push(folder);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const bytes = content instanceof Uint8Array ? content : encodeNpz(content, { compressed });
    await writeFile(join(folder, name), bytes);
  }
  return folder;
}

/** Files of `counts[i]` motions each, numbered through. */
export const numbered = (counts: readonly number[], compressed = false): Promise<string> =>
  folderOf(
    Object.fromEntries(
      counts.map((count, i) => [
        `part-${i}.npz`,
        motions(
          count,
          counts.slice(0, i).reduce((sum, before) => sum + before, 0),
        ),
      ]),
    ),
    compressed,
  );

export const options = (data: string | null, changes: Partial<GaitDataOptions> = {}): GaitDataOptions => ({
  data,
  parameters: null,
  memoryMb: 1024,
  chunk: { rows: null, passes: 1 },
  validation: { files: 0.1 },
  skipBadFiles: false,
  ...changes,
});

/** Keeps what is said. */
export function keptLog(): Log & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return { warnings, info: () => {}, warn: (message) => void warnings.push(message) };
}
