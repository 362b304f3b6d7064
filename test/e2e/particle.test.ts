import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../core/data/safetensors.ts";
import { checkpointHashes, type Ended, metricRows, run, small as smallArm } from "./mf.ts";

/** A network and a search small enough that a step takes milliseconds; every feature of the preset stays on. */
const small = [
  "--quick",
  "--task.network.width=16",
  "--task.episodes=20",
  "--task.inference.samples=8",
  "--task.inference.langevin.iterations=4",
  "--task.evaluation.episodes=3",
  "--batch-size=16",
  "--train.log=1 steps",
];
const implicit = ["particle-ebm", ...small, "--ebm.negatives=3", "--ebm.langevin.iterations=4"];
const explicit = ["particle-mse", ...small];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-particle-"));
  expect((await run(folder, "train", ...implicit, "--steps=4", "--name=tiny")).code).toBe(0);
  const observation = [[0.2, 0.8, 0, 0, 0.6, 0.1, 0.3, 0.3]];
  await writeFile(join(folder, "seen.json"), JSON.stringify({ observation }));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const json = async (...words: string[]) => {
  const { code, stdout, stderr } = await run(folder, ...words, "--json");
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
};

/** One message, exit code 2, nothing on standard output and no stack. */
function expectRefused({ code, stdout, stderr }: Ended, message: string): void {
  expect(stderr).toContain(message);
  expect(stderr.match(/error:/g)).toHaveLength(1);
  expect(stderr).not.toContain("    at ");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
}

describe("demonstrations that are wrong: one message, exit 2, no run left behind", () => {
  const point = [0.5, 0.5];
  const steps = (count: number, row: unknown = point): unknown[] => Array.from({ length: count }, () => row);
  const trajectory = (changes: object, positions = steps(3), velocities = steps(3)): string =>
    JSON.stringify({
      trajectory: { positions, velocities },
      actions: steps(3),
      first_goal_position: point,
      second_goal_position: point,
      ...changes,
    });

  test.for([
    ["unequal lengths", trajectory({ actions: steps(2) }), "3 positions, 3 velocities and 2 actions"],
    ["NaN", trajectory({}).replace("[0.5,0.5]", "[NaN, 0.5]"), "it holds NaN"],
    ["one step", trajectory({ actions: steps(1) }, steps(1), steps(1)), "it has one step, and two are the least"],
    [
      "another dimension",
      trajectory({ actions: steps(3, [0, 0, 0]) }),
      "actions[0] has 3 numbers, and the task is set up",
    ],
    ["half a file", trajectory({}).slice(0, 60), "it is not JSON"],
  ] as const)("%s", async ([name, text, message]) => {
    const data = join("bad", name.replaceAll(" ", "-"));
    await mkdir(join(folder, data), { recursive: true });
    await writeFile(join(folder, data, "good.json"), trajectory({}));
    await writeFile(join(folder, data, "rotten.json"), text);
    const runs = join(folder, "runs-of-bad");
    const ended = await run(folder, "train", ...implicit, `--particle.data=${data}`, "--steps=2", `--runs=${runs}`);
    expectRefused(ended, message);
    expect(ended.stderr).toContain("rotten.json");
    expect(await readdir(runs)).toEqual([]);
  });

  test("an empty folder, and none", async () => {
    await mkdir(join(folder, "empty"));
    const train = (data: string) =>
      run(folder, "train", ...implicit, `--task.data=${data}`, "--steps=2", "--name=none");
    expectRefused(await train("empty"), '"empty" holds no trajectories (.json or .npz). Make some: mf data generate');
    expectRefused(await train("gone"), 'Demonstrations "gone" does not exist.');
    await expect(access(join(folder, "runs/none"))).rejects.toThrow("ENOENT");
  });
});

test.each([
  ["implicit", "graph", implicit],
  ["implicit", "eager", implicit],
  ["explicit", "graph", explicit],
] as const)(
  "%s, %s: eight steps, a stop and eight more equal sixteen, bit for bit, with all that is drawn at random",
  async (policy, engine, options) => {
    const name = `${policy}-${engine}`;
    const given = [...options, `--engine=${engine}`, "--train.validate=4 steps"];
    await run(folder, "train", ...given, "--steps=16", `--name=${name}`);
    await run(folder, "train", ...given, "--steps=8", `--name=${name}-halves`);
    const resumed = await run(folder, "train", ...given, "--steps=16", `--name=${name}-halves`, "--resume=last");
    expect(resumed.stderr).toContain(`Resumed ${name}-halves at step 8`);
    expect(resumed.code).toBe(0);
    const whole = await checkpointHashes(folder, name, 16);
    expect(await checkpointHashes(folder, `${name}-halves`, 16)).toEqual(whole);
    expect(whole.memory).toMatchObject({ particle: { mean: { length: 8 }, lowest: { length: 2 } } });
    const rows = await metricRows(folder, name);
    expect(rows.filter((row) => row["val/success"] !== undefined)).toHaveLength(4);
    expect(await metricRows(folder, `${name}-halves`)).toEqual(rows);
  },
  60_000,
);

test.each([3, 8])(
  "%i dimensions from end to end: train, measure, draw, ask, export, ask the file",
  async (dims) => {
    const name = `cube-${dims}`;
    const trained = await json("train", ...implicit, `--task.dims=${dims}`, "--steps=4", `--name=${name}`);
    const measured = await json("eval", name, "--render");
    for (const [metric, value] of Object.entries<number>(trained.metrics)) {
      expect(measured.metrics[metric], metric).toBeCloseTo(value, 4);
    }
    expect(measured.baselines.oracle["val/success"]).toBe(1);
    expect(measured.pictures).toEqual([join("runs", name, "pictures", "trajectories.svg")]);
    expect(await readFile(join(folder, measured.pictures[0]), "utf8")).toContain(`coordinates 1 and 2 of ${dims}`);

    const observation = [Array.from({ length: 4 * dims }, (_, i) => i / (4 * dims))];
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ observation }));
    const { actions } = await json("infer", name, `--input=${name}.json`);
    expect(actions[0]).toHaveLength(dims);
    const { inputs } = await json("export", name);
    expect(inputs.observation.shape).toEqual(["batch", 2, 4 * dims]);
    const ofFile = await json("infer", `${name}.onnx`, `--input=${name}.json`);
    expect(ofFile.actions[0]).toEqual(actions[0].map((value: number) => expect.closeTo(value, 4)));
  },
  60_000,
);

test("mf eval lays settings over the run's configuration, and says which differ", async () => {
  const given = ["--task.evaluation.episodes=5", "--particle.evaluation.seed", "1", "--task.inference.samples", "4"];
  const { metrics, baselines, changes, pictures } = await json("eval", ...given, "tiny", "--backend=wasm");
  expect(changes).toEqual({
    backend: { before: "auto", after: "wasm" },
    "plugins.particle.evaluation.episodes": { before: 3, after: 5 },
    "plugins.particle.evaluation.seed": { before: 0, after: 1 },
    "plugins.particle.inference.samples": { before: 8, after: 4 },
  });
  expect(pictures).toEqual([]);
  expect(5 * metrics["val/success"]).toBeCloseTo(Math.round(5 * metrics["val/success"]), 12);
  const plain = await json("eval", "tiny");
  expect(plain.changes).toEqual({});
  expect(plain.metrics["val/final_distance_goal2"]).not.toBe(metrics["val/final_distance_goal2"]);
  expect(plain.baselines["uniform"]).not.toEqual(baselines["uniform"]);
  const text = await run(folder, "eval", "tiny", "--task.evaluation.seed", "1");
  expect(text.stdout).toMatch(/^setting +in the run +here\nplugins\.particle\.evaluation\.seed +0 +1$/m);
}, 60_000);

test("what normalises comes from the checkpoint, not from the data that a setting names", async () => {
  const answer = await json("infer", "tiny", "--input=seen.json");
  expect(await json("infer", "tiny", "--input=seen.json", "--task.data=gone")).toEqual(answer);
});

test("without the averaging plugin a run gives the weights themselves", async () => {
  await json("export", "tiny", "--no-ema", "--out=raw.safetensors");
  await json("export", "tiny", "--out=averaged.safetensors");
  const read = async (path: string) => decodeSafetensors(await readFile(join(folder, path)), path).tensors;
  const checkpoint = await read("runs/tiny/checkpoints/step-00000004/tensors.safetensors");
  expect((await read("raw.safetensors"))["stem/kernel"]).toEqual(checkpoint["params/stem/kernel"]);
  expect((await read("averaged.safetensors"))["stem/kernel"]).toEqual(checkpoint["slots/ema/params/stem/kernel"]);
}, 30_000);

test("pictures are written to the folder that is named", async () => {
  const { pictures } = await json("eval", "tiny", "--render=drawn/here");
  expect(pictures).toEqual([join("drawn/here/trajectories.svg"), join("drawn/here/energy.svg")]);
  for (const path of pictures) expect(await readFile(join(folder, path), "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
});

test("a search that cannot be recorded is exported by another method", async () => {
  const dfo = await run(folder, "train", ...implicit, "--task.inference.method=dfo", "--steps=1", "--name=dfo");
  expect(dfo.code).toBe(0);
  expectRefused(await run(folder, "export", "dfo"), "add --task.inference.method langevin");
  const { changes, verification } = await json("export", "dfo", "--task.inference.method", "langevin");
  expect(changes).toEqual({ "plugins.particle.inference.method": { before: "dfo", after: "langevin" } });
  expect(verification.maxRelative).toBeLessThan(1e-4);
  const ofRun = await json("infer", "dfo", "--input=seen.json", "--task.inference.method=langevin");
  const ofFile = await json("infer", "dfo.onnx", "--input=seen.json");
  expect(ofFile.actions[0]).toEqual(ofRun.actions[0].map((value: number) => expect.closeTo(value, 4)));
}, 60_000);

test.each([
  [
    ["eval", "tiny", "--task.network.width=32"],
    "params/stem/kernel: float32 [18,16] in the checkpoint, float32 [18,32]",
  ],
  [["eval", "tiny", "--task.evaluation.episode=9"], 'Did you mean "--task.evaluation.episodes"?'],
  [["eval", "tiny", "--chekpoint", "last"], 'Did you mean "--checkpoint"?'],
  [["eval", "tiny", "--task.evaluation.episodes=many"], "--task.evaluation.episodes: "],
  [["eval", "tiny", "--batch-size=9"], "--batch-size is a setting of training"],
  [["eval", "tiny", "other"], '"other" is one word too many.'],
  [["eval", "--render", "tiny"], "No run is named. Write it first: mf eval <run>"],
  [["infer", "tiny", "--input=seen.json", "--samples=3"], "this model has no option --samples"],
  [["infer", "tiny.onnx", "--input=seen.json", "--task.dims=3"], "--task.dims is for runs"],
])("mf %j is refused with one clear message and exit code 2", async (words, message) => {
  expectRefused(await run(folder, ...words), message);
});

test("an arm's errors are drawn; a plugin whose state was never trained is said to be so", async () => {
  const arm = await run(
    folder,
    "train",
    ...smallArm,
    "--no-ema",
    "--task.validation-poses=5",
    "--steps=1",
    "--name=arm",
  );
  expect(arm.code).toBe(0);
  expect((await run(folder, "eval", "arm", "--render")).code).toBe(0);
  expect(await readFile(join(folder, "runs/arm/pictures/pose-errors.svg"), "utf8")).toContain("of 5 poses reached");
  expectRefused(await run(folder, "eval", "arm", "--ema"), 'holds no state of the plugin "ema"');
}, 30_000);
