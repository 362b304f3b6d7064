import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { firstCursor } from "../../../../../core/data/cursor.ts";
import type { HostTensor } from "../../../../../core/data/host-tensor.ts";
import { encodeNpz } from "../../../../../core/data/npz.ts";
import {
  gaitDataset,
  heldOutMotions,
  openGait,
  trainingMotions,
} from "../../../../../plugins/tasks/gait/data/source.ts";
import { folderOf, keptLog, motions, numbered, options, PARAMETERS, rows } from "./folders.ts";

const broken = (array: "motions" | "params", place: number, value: number): Record<string, HostTensor> => {
  const arrays = motions(10);
  (arrays[array]!.data as Float32Array)[place] = value;
  return arrays;
};
const stride = PARAMETERS.findIndex(({ name }) => name === "gait_stride");

describe.each<[string, Record<string, HostTensor> | Uint8Array, RegExp]>([
  ["a truncated file", encodeNpz(motions(10)).subarray(0, 200_000), /b\.npz" is not usable: .*it may be cut off/],
  ["a file that is no NPZ", Buffer.from("motions"), /b\.npz" is not usable: .*not a complete zip archive/],
  [
    "motions of another width",
    { ...motions(10), motions: rows(6000, 10, () => 0) },
    /b\.npz": array "motions" has shape \[10, 6000\], not \[\*, 6060\]/,
  ],
  [
    "parameters of another number",
    { ...motions(10), params: rows(13, 10, () => 1) },
    /b\.npz": array "params" has 13 columns, and the shipped description has 279 parameters/,
  ],
  ["no motions", { params: motions(10)["params"]! }, /array "motions" is missing \(the file holds params\)/],
  [
    "fewer motions than parameters",
    { ...motions(10), motions: motions(9)["motions"]! },
    /array "params" has 10 rows where "motions" has 9/,
  ],
])("%s", (_, content, message) => {
  test("is refused when the folder is opened", async () => {
    const folder = await folderOf({ "a.npz": motions(4), "b.npz": content, "c.npz": motions(4) });
    const opening = openGait(options(folder), keptLog());
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({ fault: "user" });
  });
});

describe.each<[string, Record<string, HostTensor>, RegExp]>([
  [
    "NaN in a motion",
    broken("motions", 7 * 6060 + 3 * 101 + 15, Number.NaN),
    /b\.npz": array "motions", row 7: TibiaR\.angle = NaN at sample 3 is not a number\..*--skip-bad-files/,
  ],
  [
    "an infinite parameter",
    broken("params", 2 * PARAMETERS.length + stride, Number.POSITIVE_INFINITY),
    /b\.npz": array "params", row 2: gait_stride = Infinity is not a number/,
  ],
  [
    "a parameter out of its range",
    broken("params", 9 * PARAMETERS.length + stride, 1.3),
    /b\.npz": array "params", row 9: gait_stride = 1\.3 is outside its range 0\.75 … 1\.25/,
  ],
])("%s", (_, content, message) => {
  test("is refused when its rows are read, in batches and for evaluation, by file, row and field", async () => {
    const first = await openGait(options(await folderOf({ "b.npz": content, "c.npz": motions(4) })), keptLog());
    const dataset = await gaitDataset(first, 16);
    await expect(dataset.read(firstCursor(0), 16)).rejects.toThrow(message);
    await expect(dataset.read(firstCursor(0), 16)).rejects.toMatchObject({ fault: "user" });
    await dataset.close?.();
    await expect(trainingMotions(first, 10)).rejects.toThrow(message);
    const last = await openGait(options(await folderOf({ "a.npz": motions(4), "b.npz": content })), keptLog());
    await expect(heldOutMotions(last, 10)).rejects.toThrow(message);
  });
});

test("bad files are left out where that is asked for, each with a warning, and are counted", async () => {
  const flipped = Buffer.from(encodeNpz(motions(3)));
  flipped[5000]! ^= 1;
  const folder = await folderOf({
    "a.npz": motions(4),
    "b.npz": encodeNpz(motions(10)).subarray(0, 1000),
    "c.npz": broken("motions", 5, Number.NaN),
    "d.npz": broken("params", stride, 0.7),
    "e.npz": motions(6, 4),
    "f.npz": flipped,
    "g.npz": motions(2, 10),
  });
  const log = keptLog();
  const source = await openGait(options(folder, { skipBadFiles: true }), log);
  expect(log.warnings.map((warning) => /([a-z]\.npz|^\d of.*)/.exec(warning)![1])).toEqual([
    "b.npz",
    "c.npz",
    "d.npz",
    "f.npz",
    `4 of 7 files of "${folder}" were skipped.`,
  ]);
  expect((await trainingMotions(source, 100)).count).toBe(10);
  expect((await heldOutMotions(source, 100)).motions[0]).toBe(10);
});

test("a folder of bad files alone says what is wrong with the first", async () => {
  const folder = await folderOf({ "a.npz": new Uint8Array(5), "b.npz": new Uint8Array(9) });
  await expect(openGait(options(folder, { skipBadFiles: true }), keptLog())).rejects.toThrow(
    /Not one of the 2 files .* is usable\. The first: .*a\.npz/,
  );
});

test("a value that float32 has moved out of its range by its last digit is within", async () => {
  const edges = motions(2);
  const params = edges["params"]!.data as Float32Array;
  for (const [j, { min, max }] of PARAMETERS.entries()) {
    params[j] = min;
    params[PARAMETERS.length + j] = max * (1 + 1.2e-7);
  }
  const source = await openGait(options(await folderOf({ "a.npz": edges, "b.npz": motions(2) })), keptLog());
  expect((await trainingMotions(source, 2)).count).toBe(2);
});

test("one file, no file, a file in the folder's place and no folder are told apart", async () => {
  const opening = (folder: string) => openGait(options(folder), keptLog());
  await expect(opening(await numbered([5]))).rejects.toThrow(/holds 1 usable file, .* two are needed/);
  await expect(opening(await folderOf({ "notes.txt": new Uint8Array(1) }))).rejects.toThrow(
    /holds no motions.*mf data generate/,
  );
  const folder = await numbered([2, 2]);
  await expect(opening(join(folder, "part-0.npz"))).rejects.toThrow(/it is a file; name the folder/);
  await expect(opening(join(folder, "none"))).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
});

test("a description with a parameter that the data knows nothing of names it", async () => {
  const folder = await numbered([2, 2]);
  const described = [...PARAMETERS, { name: "gait_mood", group: "gait", min: 0, max: 1, default: 0.5 }];
  await writeFile(join(folder, "env.json"), JSON.stringify(described));
  const given = options(folder, { parameters: join(folder, "env.json") });
  await expect(openGait(given, keptLog())).rejects.toThrow(
    /part-0\.npz": array "params" has 279 columns, and ".*env\.json" has 280 parameters \(unknown to the shipped one: gait_mood\)/,
  );
  await expect(openGait({ ...given, data: null }, keptLog())).rejects.toThrow(
    /Synthetic motions are made of the shipped/,
  );
});
