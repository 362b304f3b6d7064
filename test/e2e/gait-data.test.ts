import { fork } from "node:child_process";
import { link, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { float32 } from "../../core/data/host-tensor.ts";
import { readNpz, writeNpz } from "../../core/data/npz.ts";
import { shippedParameters } from "../../plugins/tasks/gait/parameters/shipped.ts";
import { run } from "./mf.ts";

const { parameters } = shippedParameters();
const healthy = (count: number): Float32Array =>
  Float32Array.from({ length: count * parameters.length }, (_, i) => parameters[i % parameters.length]!.default);

/** Roll-outs of so many frames: every joint at rest, walking straight ahead at 1.2 m/s, 36.5 frames a cycle. */
function rollOuts(lengths: readonly number[]) {
  const frames = lengths.reduce((sum, length) => sum + length, 0);
  const motions = new Float32Array(frames * 101).fill(0.1);
  for (let t = 0; t < frames; t++) motions[t * 101 + 8] = t * 0.04;
  return {
    motions: float32(motions, [frames, 101]),
    phase: float32(
      Float32Array.from({ length: frames }, (_, t) => (t / 36.5) % 1),
      [frames],
    ),
    params: float32(healthy(lengths.length), [lengths.length, parameters.length]),
    lengths: { dtype: "int32", shape: [lengths.length], data: Int32Array.from(lengths) } as const,
  };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-gait-data-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `gait-forward` at its smallest. */
const train = (...words: string[]) =>
  run(folder, "train", "gait-forward", "--quick", "--task.network.width=16", "--task.evaluation.motions=4", ...words);

test("roll-outs are converted, looked at and trained on", async () => {
  await mkdir(join(folder, "raw"));
  for (let i = 0; i < 3; i++) await writeNpz(join(folder, "raw", `${i}.npz`), rollOuts([150, 200, 100, 180]));
  const converted = await run(folder, "data", "convert", "gait", "--in=raw", "--out=walks", "--motions=3", "--json");
  expect(converted.stderr).toBe("");
  expect(JSON.parse(converted.stdout)).toMatchObject({ files: 3, motions: 9, rollouts: 12, short: 3, incomplete: 0 });
  const { motions } = await readNpz(join(folder, "walks/gait-0000.npz"));
  expect(motions!.data[8]).toBeCloseTo(0.04, 5);

  const text = await run(folder, "data", "inspect", "walks");
  expect(text.stdout).toMatch(/^gait-0001\.npz +3 +no +0 +0 +0 +–$/m);
  expect(text.stdout).toMatch(/^Pelvis\.dz +0\.04 +0\.04 +0 +0$/m);
  expect(text.code).toBe(0);
  const document = await run(folder, "data", "inspect", "walks", "--json");
  expect(JSON.parse(document.stdout)).toMatchObject({ motions: 9, synthetic: false, out_of_range: {} });

  const trained = await train("--task.data=walks", "--steps=3", "--batch-size=16", "--name=walks");
  expect(trained.stderr).toContain("completed at step 3");
  expect(trained.code).toBe(0);
});

describe("bad files", () => {
  const motions = (count: number, width = 6060) => ({
    motions: float32(new Float32Array(count * width).fill(0.1), [count, width]),
    params: float32(healthy(count), [count, parameters.length]),
  });
  beforeAll(async () => {
    const put = async (name: string, bad: ReturnType<typeof motions>) => {
      await mkdir(join(folder, name));
      for (const file of ["a", "c"]) await writeNpz(join(folder, name, `${file}.npz`), motions(4));
      await writeNpz(join(folder, name, "b.npz"), bad);
    };
    await put("width", motions(4, 6000));
    await put("truncated", motions(4));
    const path = join(folder, "truncated/b.npz");
    await writeFile(path, (await readFile(path)).subarray(0, 60_000));
    const nan = motions(4);
    nan.motions.data[2 * 6060 + 7] = Number.NaN;
    await put("nan", nan);
    const range = motions(4);
    range.params.data[3 * parameters.length] = 2;
    await put("range", range);
  });

  test.for([
    ["truncated", '"truncated/b.npz" is not usable: it is not a complete zip archive; it may be cut off.'],
    ["width", '"width/b.npz": array "motions" has shape [4, 6000], not [*, 6060].'],
    ["nan", '"nan/b.npz": array "motions", row 2: Pelvis.height = NaN at sample 0 is not a number.'],
    ["range", '"range/b.npz": array "params", row 3: gait_stride = 2 is outside its range 0.75 … 1.25.'],
  ] as const)(
    "of %s: one message with file and field and exit 2; or a warning, a count and training on the others",
    async ([name, message]) => {
      const words = [`--task.data=${name}`, "--steps=2", "--batch-size=16", "--task.validation.files=0.3"];
      const refused = await train(...words, `--name=no-${name}`);
      expect(refused.stderr).toContain(`error: ${message}`);
      expect(refused.stderr.match(/error:/g)).toHaveLength(1);
      expect(refused.stderr).not.toContain("    at ");
      expect(refused.code).toBe(2);
      const skipped = await train(...words, "--skip-bad-files", `--name=${name}`);
      expect(skipped.stderr).toContain(`Skipped a file: ${message}`);
      expect(skipped.stderr).toContain(`1 of 3 files of "${name}" were skipped.`);
      expect(skipped.stderr.match(/Skipped a file/g)).toHaveLength(1);
      expect(skipped.code).toBe(0);
    },
  );

  test("parameters that the data knows nothing of are named", async () => {
    const described = [...parameters, { name: "gait_mood", group: "gait", min: 0, max: 1, default: 0.5 }];
    await writeFile(join(folder, "env.json"), JSON.stringify(described));
    const { code, stderr } = await train("--task.data=nan", "--task.parameters=env.json", "--name=no");
    expect(stderr).toContain('"env.json" has 280 parameters (unknown to the shipped one: gait_mood)');
    expect(code).toBe(2);
  });

  test("inspecting shows what is wrong with each, and a folder that is not there is an error", async () => {
    const { code, stdout } = await run(folder, "data", "inspect", "range", "--task=gait");
    expect(stdout).toMatch(/^b\.npz +4 +no +0 +0 +1 +–$/m);
    expect(stdout).toMatch(/^gait_stride +1 +2 +0\.75 +1\.25 +0 +1 +0 +0$/m);
    expect(code).toBe(0);
    expect((await run(folder, "data", "inspect", "truncated")).stdout).toMatch(/^b\.npz .*it may be cut off/m);
    const none = await run(folder, "data", "inspect", "nothing");
    expect(none.stderr).toContain('Data "nothing" does not exist');
    expect(none.code).toBe(2);
  });
});

test("an epoch of data three times the memory limit stays below the limit", async () => {
  const limit = 256;
  const large = join(folder, "large");
  await mkdir(large);
  const count = 1024;
  const random = Float32Array.from({ length: count * 6060 }, (_, i) => Math.sin(i));
  await writeNpz(join(large, "00.npz"), {
    motions: float32(random, [count, 6060]),
    params: float32(healthy(count), [count, parameters.length]),
  });
  // The same bytes under other names fill no disk.
  for (let i = 1; i < 33; i++) await link(join(large, "00.npz"), join(large, `${String(i).padStart(2, "0")}.npz`));
  const child = fork(fileURLToPath(new URL("./gait-epoch.ts", import.meta.url)), [large, String(limit)], {
    execArgv: ["--import", "tsx"],
  });
  const measured = await new Promise<{ before: number; peak: number; dataMb: number; samples: number }>(
    (resolve, reject) => child.once("message", resolve as never).once("exit", () => reject(new Error("it ended"))),
  );
  expect(measured.dataMb).toBeGreaterThan(3 * limit);
  expect(measured.samples).toBeGreaterThan(1_800_000);
  expect(measured.peak - measured.before).toBeLessThan(limit);
}, 180_000);
