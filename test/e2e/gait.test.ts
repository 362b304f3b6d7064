import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { float32 } from "../../core/data/host-tensor.ts";
import { writeNpz } from "../../core/data/npz.ts";
import { createStream } from "../../core/random.ts";
import { CHANNEL_NAMES } from "../../plugins/tasks/gait/motion/layout.ts";
import { shippedParameters } from "../../plugins/tasks/gait/parameters/shipped.ts";
import { syntheticMotion } from "../../plugins/tasks/gait/synthetic/motion.ts";
import { syntheticParams } from "../../plugins/tasks/gait/synthetic/params.ts";
import { checkpointHashes, metricRows, run } from "./mf.ts";

/** Chunks of 10 motions, gone through twice: 1200 samples, so that step 20 of 64 samples ends in the second one. */
const options = [
  "gait-forward-fast",
  "--quick",
  "--task.data=motions",
  "--task.chunk.rows=600",
  "--task.chunk.passes=2",
  "--task.network.width=16",
  "--task.evaluation.motions=10",
  "--batch-size=64",
  "--schedule.steps=40",
  "--train.log=1 steps",
  "--train.validate=20 steps",
];
let folder: string;

/** Three files of 24 motions, without the mark of synthetic data where `mark` is false. */
async function writeMotions(name: string, mark: boolean): Promise<void> {
  await mkdir(join(folder, name));
  for (let file = 0; file < 3; file++) {
    const params = syntheticParams(createStream(file, "test"), 24);
    const motions = Float32Array.from(
      Array.from({ length: 24 }, (_, i) => [...syntheticMotion(params, i * 279)]).flat(),
    );
    await writeNpz(join(folder, name, `${file}.npz`), {
      motions: float32(motions, [24, 6060]),
      params: float32(params, [24, 279]),
      ...(mark ? { synthetic: { dtype: "int32", shape: [1], data: Int32Array.of(1) } as const } : {}),
    });
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-gait-"));
  await writeMotions("motions", true);
  await writeMotions("unmarked", false);
  const trained = await run(folder, "train", ...options, "--steps=40", "--name=whole");
  expect(trained.stderr).toContain("completed at step 40");
  expect(trained.code).toBe(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const json = async (...words: string[]) => {
  const { code, stdout, stderr } = await run(folder, ...words, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
};

test("a run that stops in the middle of a chunk goes on bit for bit", async () => {
  expect((await run(folder, "train", ...options, "--steps=20", "--name=halves")).code).toBe(0);
  const second = await run(folder, "train", ...options, "--steps=40", "--name=halves", "--resume=last");
  expect(second.stderr).toContain("Resumed halves at step 20");
  expect(second.code).toBe(0);
  expect(await checkpointHashes(folder, "halves", 40)).toEqual(await checkpointHashes(folder, "whole", 40));
  expect(await metricRows(folder, "halves")).toEqual(await metricRows(folder, "whole"));
}, 120_000);

test("a cascade that stops in its second network's turn goes on bit for bit", async () => {
  const cascade = [{ parameters: ["gait", "skeleton"], steps: 5 }, { parameters: ["muscle_force"] }];
  const words = [...options, `--task.cascade=${JSON.stringify(cascade)}`];
  expect((await run(folder, "train", ...words, "--steps=16", "--name=turns")).code).toBe(0);
  expect((await run(folder, "train", ...words, "--steps=8", "--name=parts")).code).toBe(0);
  expect((await run(folder, "train", ...words, "--steps=16", "--name=parts", "--resume=last")).code).toBe(0);
  expect(await checkpointHashes(folder, "parts", 16)).toEqual(await checkpointHashes(folder, "turns", 16));
  const rows = (await metricRows(folder, "parts")).filter((row) => "train/gait/stage" in row);
  const stages = rows.map((row) => [row["step"], row["train/gait/stage"]]);
  expect(stages).toEqual(Array.from({ length: 16 }, (_, i) => [i + 1, i < 5 ? 0 : 1]));
  const { code, stdout } = await run(folder, "export", "turns", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).verification.maxRelative).toBeLessThan(1e-4);
  expect((await readFile(join(folder, "turns.onnx"))).includes("is_cascaded")).toBe(true);
}, 120_000);

test("eval measures joints beside baselines, and draws", async () => {
  const { metrics, baselines, pictures } = await json("eval", "whole", "--task.evaluation.joints", "--render");
  expect(metrics["val/joint_error_deg_FemurR"]).toBeGreaterThan(0);
  expect(Object.keys(baselines)).toEqual(["mean_cycle", "linear"]);
  expect(Object.keys(baselines.linear)).toEqual(Object.keys(metrics));
  expect(pictures).toHaveLength(4);
  expect(await readFile(join(folder, "runs/whole/pictures/cycle-worst.svg"), "utf8")).toContain("synthetic data");
}, 60_000);

test("infer answers for parameters by name, and the exported file as the run does", async () => {
  await writeFile(join(folder, "walk.json"), JSON.stringify({ gait_stride: [0.8, 1.2], skeleton_global: 0.9 }));
  const ofRun = await json("infer", "whole", "--input=walk.json");
  expect(ofRun.synthetic).toBe(true);
  expect(ofRun.channels).toEqual(CHANNEL_NAMES);
  expect(ofRun.cycles.map((c: { motion: number[][] }) => [c.motion.length, c.motion[29]!.length])).toEqual([
    [30, 101],
    [30, 101],
  ]);

  const exported = await json("export", "whole");
  expect(exported).toMatchObject({
    inputs: { parameters: { shape: ["batch", 279] }, phase: { shape: ["batch", 1] } },
    outputs: { motion: { shape: ["batch", 101] } },
  });
  const ofFile = await json("infer", "whole.onnx", "--input=walk.json");
  ofFile.cycles.forEach(({ motion }: { motion: number[][] }, i: number) => {
    const other: number[][] = ofRun.cycles[i].motion;
    expect(motion).toEqual(other.map((pose) => pose.map((x) => expect.closeTo(x, 4))));
  });
}, 60_000);

test.each([
  [{ gait_strid: 1 }, 'Did you mean "gait_stride"?'],
  [{ gait_stride: 2 }, '"gait_stride" is 2 in row 0, outside its range 0.75 … 1.25'],
])(
  "infer refuses %j with one message",
  async (given, message) => {
    await writeFile(join(folder, "bad.json"), JSON.stringify(given));
    const { code, stderr } = await run(folder, "infer", "whole", "--input=bad.json");
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
  },
  30_000,
);

test("with another description a run is neither resumed nor opened", async () => {
  const other = shippedParameters().parameters.map((p, i) => (i === 3 ? { ...p, min: 0.95 } : p));
  await writeFile(join(folder, "other.json"), JSON.stringify(other));
  for (const words of [
    ["train", ...options, "--task.data=unmarked", "--steps=50", "--name=whole", "--resume=last"],
    ["eval", "whole"],
  ]) {
    const { code, stderr } = await run(folder, ...words, "--task.parameters=other.json");
    expect(stderr).toContain("MF_GAIT_RESUMED");
    expect(stderr).toContain('"skeleton_FemurR" has min 0.9, here 0.95');
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(2);
  }
}, 60_000);

test("motions that are not marked as synthetic make a model that is not", async () => {
  const words = [...options, "--task.data=unmarked", "--steps=2", "--name=real"];
  expect((await run(folder, "train", ...words)).code).toBe(0);
  await writeFile(join(folder, "healthy.json"), "{}");
  expect((await json("infer", "real", "--input=healthy.json")).synthetic).toBe(false);
}, 60_000);
