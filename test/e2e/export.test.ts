import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { float32 } from "../../core/data/host-tensor.ts";
import { writeNpz } from "../../core/data/npz.ts";
import { decodeSafetensors } from "../../core/data/safetensors.ts";
import { createBuilder } from "../../core/graph/builder.ts";
import { toOnnx } from "../../core/graph/onnx/model.ts";
import { checkpointHashes, run, runWith, small } from "./mf.ts";

const withoutRuntime = fileURLToPath(new URL("without-onnxruntime.cjs", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-export-"));
  const trained = await run(folder, "train", ...small, "--task.solve.steps=2", "--steps=20", "--name=tiny");
  expect(trained.code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly robot: string;
  readonly solutions: readonly (readonly {
    readonly q: readonly number[];
    readonly position_error_mm: number;
    readonly within_limits: boolean;
  }[])[];
}

test("an exported run is one verified file that answers as the run does, for any number of poses", async () => {
  const exported = await run(folder, "export", "tiny", "--json");
  expect(exported).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(exported.stdout)).toMatchObject({
    format: "onnx",
    file: "tiny.onnx",
    run: "tiny",
    step: 20,
    opset: 18,
    irVersion: 9,
    inputs: { pose: { shape: ["batch", 7], unit: "m" }, reference: { shape: ["batch", 7], unit: "rad" } },
    outputs: { joints: { shape: ["batch", 7], unit: "rad" }, within_limits: { shape: ["batch"] } },
    verification: { rows: [1, 3, 64], maxRelative: expect.any(Number) },
  });

  const poses = Float32Array.of(0.5, 0.1, 0.4, 0, 1, 0, 0, 0.3, -0.2, 0.6, 0, -2, 0, 0, 0.4, 0.2, 0.3, 0, 0.6, 0.8, 0);
  await writeNpz(join(folder, "poses.npz"), { pose: float32(poses, [3, 7]) });
  for (const asked of [["--pose=0.5,0.1,0.4,0,1,0,0"], ["--input=poses.npz", "--samples=5", "--polish=1"]]) {
    const ask = async (model: string): Promise<Answer> => {
      const { code, stdout } = await run(folder, "infer", model, ...asked, "--json");
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const [ofRun, ofFile] = [await ask("tiny"), await ask("tiny.onnx")];
    expect({ ...ofFile, solutions: [] }).toEqual({ ...ofRun, solutions: [] });
    expect(ofFile.solutions.map((s) => s.length)).toEqual(ofRun.solutions.map((s) => s.length));
    ofFile.solutions.flat().forEach((solution, i) => {
      const other = ofRun.solutions.flat()[i]!;
      expect(solution.q).toEqual(other.q.map((value) => expect.closeTo(value, 5)));
      expect(solution.position_error_mm).toBeCloseTo(other.position_error_mm, 2);
      expect(solution.within_limits).toBe(other.within_limits);
    });
  }
}, 60_000);

test("the same checkpoint gives the same bytes, and the parameters alone as safetensors: the averaged ones", async () => {
  await run(folder, "export", "tiny", "--out=one.onnx");
  await run(folder, "export", "runs/tiny", "--checkpoint=last", "--format=onnx", "--out=two.onnx");
  expect(await readFile(join(folder, "one.onnx"))).toEqual(await readFile(join(folder, "two.onnx")));

  expect((await run(folder, "export", "tiny", "--out=tiny.safetensors")).code).toBe(0);
  const file = decodeSafetensors(await readFile(join(folder, "tiny.safetensors")), "tiny.safetensors");
  const place = join(folder, "runs/tiny/checkpoints/step-00000020/tensors.safetensors");
  const { tensors } = decodeSafetensors(await readFile(place), place);
  expect(file.tensors["stem/kernel"]).toBeDefined();
  expect(file.tensors["stem/kernel"]).toEqual(tensors["slots/ema/params/stem/kernel"]);
  expect(file.metadata).toMatchObject({ task: "ik", robot: "panda", run: "tiny", step: "20", flow_steps: "2" });
  expect(file.metadata["weights_sha256"]).not.toBe((await checkpointHashes(folder, "tiny", 20)).weightsSha256);
}, 60_000);

test("where the task cannot be set up, a file answers with its plain outputs", async () => {
  const urdf = fileURLToPath(new URL("../../plugins/tasks/ik/robots/ur10.urdf", import.meta.url));
  await writeFile(join(folder, "mine.urdf"), await readFile(urdf));
  const trained = await run(
    folder,
    "train",
    ...small,
    "--robot=mine.urdf",
    "--task.tip=tool0",
    "--steps=1",
    "--name=mine",
  );
  expect(trained.code).toBe(0);
  expect((await run(folder, "export", "mine")).code).toBe(0);
  await rm(join(folder, "mine.urdf"));
  const { code, stdout, stderr } = await run(folder, "infer", "mine.onnx", "--pose=0.5,0.1,0.4,0,1,0,0", "--json");
  expect(stderr).toContain('The task "ik" cannot be set up here');
  expect(code).toBe(0);
  const { outputs } = JSON.parse(stdout);
  expect(outputs.joints[0]).toHaveLength(6);
  expect(outputs.within_limits).toEqual([1]);
}, 60_000);

test("without onnxruntime-node a file is written and said not to be verified", async () => {
  const env = { NODE_OPTIONS: `--require ${withoutRuntime}` };
  const { code, stdout, stderr } = await runWith(env, folder, "export", "tiny", "--out=blind.onnx", "--json");
  expect(stderr).toMatch(/warning: The file is not verified\. ONNX Runtime is not usable here.*npm i onnxruntime-node/);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).verification).toBeNull();
  expect((await run(folder, "infer", "blind.onnx", "--pose=0.5,0.1,0.4,0,1,0,0")).code).toBe(0);
  const asked = await runWith(env, folder, "infer", "blind.onnx", "--pose=0.5,0.1,0.4,0,1,0,0");
  expect(asked.stderr).toContain("npm i onnxruntime-node");
  expect(asked.code).toBe(2);
}, 60_000);

test("a damaged or a foreign ONNX file: one message, exit 2", async () => {
  await run(folder, "export", "tiny", "--out=good.onnx");
  const good = await readFile(join(folder, "good.onnx"));
  const flipped = Buffer.from(good);
  flipped[Math.floor(good.length / 2)]! ^= 1;
  const { input, unary } = createBuilder();
  const x = input("x", [1]);
  const foreign = toOnnx({ inputs: [x], outputs: { y: unary("Neg", x) } }).bytes;
  for (const [name, bytes, message] of [
    ["flipped.onnx", flipped, '"flipped.onnx" is damaged'],
    ["foreign.onnx", foreign, '"foreign.onnx" was not written by mf export'],
  ] as const) {
    await writeFile(join(folder, name), bytes);
    const { code, stdout, stderr } = await run(folder, "infer", name, "--pose=0.5,0.1,0.4,0,1,0,0");
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  }
}, 60_000);

test.each([
  [["export", "tiny", "--format=tflite"], 'Unknown format "tflite". Known: onnx, safetensors.'],
  [["export", "tiny", "--format=onnx", "--out=model.safetensors"], "does not end in .onnx"],
  [["export", "nowhere"], 'Run or checkpoint "nowhere" does not exist.'],
  [["infer", "nowhere.onnx", "--pose=0,0,0,1,0,0,0"], 'Exported model "nowhere.onnx" does not exist.'],
  [["infer", "tiny.onnx", "--pose=0,0,0,0,0,0,0"], "quaternion of length zero"],
  [["infer", "tiny.onnx", "--pose=0,0,0,1,0,0,0", "--backend=cpu"], "--backend is for runs"],
])("mf %j is refused with one clear message and exit code 2", async (words, message) => {
  const { code, stdout, stderr } = await run(folder, ...words);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at ");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});
