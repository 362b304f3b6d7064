import { execFileSync, spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { HostTensor } from "../../../../../core/data/host-tensor.ts";
import { encodeNpz, readNpz } from "../../../../../core/data/npz.ts";
import { createStream } from "../../../../../core/random.ts";
import { gaitConverter } from "../../../../../plugins/tasks/gait/data/convert.ts";
import { resampled, unwrapped } from "../../../../../plugins/tasks/gait/data/resample.ts";
import { folderOf, motions, PARAMETERS, rows } from "./folders.ts";

const convert = (from: string, changes: Record<string, unknown> = {}, out = join(from, "out")) =>
  gaitConverter.convert(changes, from, out, () => {});

/** Roll-outs of so many frames, one after another, at so many frames a cycle; channel c of frame t of all is t + c/128. */
function rollOuts(lengths: readonly number[], framesPerCycle = 36.5): Record<string, HostTensor> {
  const frames = lengths.reduce((sum, length) => sum + length, 0);
  return {
    motions: rows(101, frames, (t, c) => t + c / 128),
    phase: { ...rows(1, frames, (t) => (0.4 + t / framesPerCycle) % 1), shape: [frames] },
    params: rows(PARAMETERS.length, lengths.length, (_, j) => PARAMETERS[j]!.default),
    lengths: { dtype: "int64", shape: [lengths.length], data: BigInt64Array.from(lengths, BigInt) },
  };
}

test("phases are unwrapped, and counted from the first cycle that begins in the roll-out", () => {
  const cycles = unwrapped([0.5, 0.9, 0.1, 0.05, 0.5, 0.99, 0.01]);
  expect(Array.from(cycles, (c) => Number(c.toFixed(6)))).toEqual([-0.5, -0.1, 0.1, 0.05, 0.5, 0.99, 1.01]);
  // Back over the end of the cycle is not another cycle.
  expect(Array.from(unwrapped([0.9, 0.02, 0.98, 0.03]), (c) => Number(c.toFixed(6)))).toEqual([
    -0.1, 0.02, -0.02, 0.03,
  ]);
  expect(Array.from(unwrapped([0.1, 0.2]))).toEqual([Number.NaN, Number.NaN]);
});

test("a walk at a constant rate becomes 60 samples of it: a line stays a line, root x and z become its slope", () => {
  const perCycle = 36.5;
  const { motions: frames, phase } = rollOuts([150], perCycle) as Record<string, HostTensor<"float32">>;
  const motion = resampled(frames!.data, phase!.data)!;
  // The first cycle begins 0.6 cycles after the first frame.
  const begins = 0.6 * perCycle;
  for (const sample of [0, 1, 29, 30, 59]) {
    const time = begins + (sample / 30) * perCycle;
    for (const channel of [0, 5, 7, 9, 100]) {
      expect(motion[sample * 101 + channel]).toBeCloseTo(time + channel / 128, 3);
    }
    for (const channel of [6, 8]) expect(motion[sample * 101 + channel]).toBeCloseTo(1, 4);
  }
});

test("roll-outs that are short or hold less than two whole cycles are left out and counted", async () => {
  const from = await folderOf({ "raw.npz": rollOuts([140, 141, 0, 300, 150]), "slow.npz": rollOuts([200], 80) });
  const done = await convert(from);
  expect(done).toMatchObject({ files: 1, motions: 3, rollouts: 6, short: 2, incomplete: 1, bad_files: [] });
  const { motions: written, params } = await readNpz(join(from, "out", "gait-0000.npz"));
  expect(written!.shape).toEqual([3, 6060]);
  expect(params!.shape).toEqual([3, PARAMETERS.length]);
  // The first frame of a roll-out tells where it lay among all.
  const firsts = [0, 1, 2].map((i) => Number(written!.data[i * 6060]));
  expect(firsts[0]).toBeGreaterThan(140);
  expect(firsts[1]).toBeGreaterThan(281);
  expect(firsts[2]).toBeGreaterThan(581);
});

test("motions go to files of equal numbers; those of synthetic roll-outs are marked", async () => {
  const mark = { synthetic: { dtype: "int32", shape: [1], data: Int32Array.of(1) } as const };
  const from = await folderOf({
    "a.npz": rollOuts(new Array(5).fill(150)),
    "b.npz": { ...rollOuts([150, 150]), ...mark },
  });
  expect(await convert(from, { motions: 4 })).toMatchObject({ files: 2, motions: 7 });
  expect((await readdir(join(from, "out"))).sort()).toEqual(["gait-0000.npz", "synthetic-0001.npz"]);
  const second = await readNpz(join(from, "out", "synthetic-0001.npz"));
  expect(second["synthetic"]!.shape).toEqual([1]);
  expect(second["motions"]!.shape).toEqual([3, 6060]);
  await expect(convert(from)).rejects.toThrow(/out" is not empty/);
});

describe("roll-outs that cannot be used", () => {
  const changed = (name: string, change: (data: Float32Array) => void): Record<string, HostTensor> => {
    const arrays = rollOuts([150, 200]);
    change(arrays[name]!.data as Float32Array);
    return arrays;
  };
  const cases: [string, Record<string, HostTensor> | Uint8Array, RegExp][] = [
    ["a truncated file", encodeNpz(rollOuts([150])).subarray(0, 9000), /bad\.npz" is not usable/],
    ["motions that were converted", motions(3), /array "motions" has shape \[3, 6060\], not \[\*, 101\]/],
    ["other parameters", { ...rollOuts([150]), params: rows(3, 1, () => 1) }, /"params" has 3 columns/],
    [
      "lengths that do not add up",
      { ...rollOuts([150]), lengths: rollOuts([140])["lengths"]! },
      /the 1 "lengths" add up to 140, and "motions" has 150 frames/,
    ],
    [
      "a phase that is none",
      changed("phase", (d) => d.fill(1.5, 170, 171)),
      /array "phase", row 170: 1\.5 is no phase/,
    ],
    [
      "NaN",
      changed("motions", (d) => d.fill(Number.NaN, 160 * 101 + 7, 160 * 101 + 8)),
      /array "motions", row 160: Pelvis\.height = NaN is not a number/,
    ],
    [
      "a parameter out of its range",
      changed("params", (d) => d.fill(3, PARAMETERS.length + 1, PARAMETERS.length + 2)),
      /array "params", row 1: gait_cadence = 3 is outside/,
    ],
  ];
  test.each(cases)("%s: by file and field, or left out where that is asked for", async (_, content, message) => {
    const from = await folderOf({ "bad.npz": content, "good.npz": rollOuts([150]) });
    await expect(convert(from, {}, join(from, "1"))).rejects.toThrow(message);
    expect(await convert(from, { skipBadFiles: true }, join(from, "2"))).toMatchObject({
      motions: 1,
      rollouts: 1,
      bad_files: [{ file: "bad.npz", problem: expect.stringMatching(message) }],
    });
  });

  test("a folder without a usable roll-out says why", async () => {
    const from = await folderOf({ "raw.npz": rollOuts([100]), "slow.npz": rollOuts([150], 100) });
    await expect(convert(from)).rejects.toThrow(/of 2 roll-outs 1 are of 140 frames or less and 1 hold less than two/);
  });
});

const python = ["python3", "/usr/bin/python3", "python"].find(
  (candidate) => spawnSync(candidate, ["-c", "import numpy"], { stdio: "ignore" }).status === 0,
);

describe.skipIf(python === undefined)(python === undefined ? "NumPy (skipped: it is not here)" : "NumPy", () => {
  test("resamples roll-outs of an uneven rate in the same way", async () => {
    const random = createStream(4, "rollouts");
    const lengths = [160, 180, 300];
    const raw = rollOuts(lengths);
    const phase = raw["phase"]!.data as Float32Array;
    const channels = raw["motions"]!.data as Float32Array;
    for (let i = 0, at = 0.3; i < phase.length; i++) {
      at = (at + 0.02 + 0.02 * random.uniform()) % 1;
      phase[i] = at;
    }
    for (let i = 0; i < channels.length; i++) channels[i] = random.normal();
    const from = await folderOf({ "raw.npz": raw });
    await convert(from);
    const script = `
import numpy as np
raw = np.load("${join(from, "raw.npz")}")
ours = np.load("${join(from, "out", "gait-0000.npz")}")["motions"].reshape(-1, 60, 101)
at, worst = 0, 0.0
for i, n in enumerate(raw["lengths"]):
    frames = raw["motions"][at:at + n].astype(np.float64)
    phase = np.unwrap(raw["phase"][at:at + n].astype(np.float64), period=1)
    phase -= np.ceil(phase[0])
    moved = np.diff(frames, axis=0, prepend=2 * frames[:1] - frames[1:2])
    due = np.arange(60) / 30
    want = np.stack([np.interp(due, phase, (moved if c in (6, 8) else frames)[:, c]) for c in range(101)], axis=1)
    worst = max(worst, np.abs(want - ours[i]).max())
    at += n
print(len(ours), worst)
`;
    const [count, worst] = execFileSync(python!, ["-c", script], { encoding: "utf8" }).split(" ").map(Number);
    expect(count).toBe(3);
    expect(worst).toBeLessThan(1e-5);
  });
});
