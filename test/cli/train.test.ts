import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finished, finished, mf, startMf } from "./mf.ts";

const small = "--quick --ik.validation-poses 20 --batch-size 16 --backend wasm".split(" ");
let folder: string;
let trained: Finished;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-train-"));
  trained = await mf(folder, ["train", "panda-meanflow", ...small, "--steps", "6", "--name", "first", "--json"]);
});
afterAll(() => rm(folder, { recursive: true }));

test("training prints one document with the metrics of the model and of the baselines", () => {
  expect(trained.code).toBe(0);
  const { run, steps, stopReason, metrics, baselines } = trained.json;
  expect({ run, steps, stopReason }).toEqual({
    run: join(folder, "runs", "first"),
    steps: 6,
    stopReason: "reached 6 steps",
  });
  for (const name of ["val/position_error_mm", "val/orientation_error_deg", "val/success"]) {
    expect(metrics[name]).toBeTypeOf("number");
    for (const method of ["no_move", "dls_1", "dls_2", "dls_3"]) expect(baselines[method][name]).toBeTypeOf("number");
  }
});

test("a run is a folder with its configuration, metrics, checkpoints and summary", async () => {
  const run = join(folder, "runs", "first");
  const config = JSON.parse(await readFile(join(run, "config.json"), "utf8"));
  expect(config).toMatchObject({ preset: "panda-meanflow", name: "first", train: { steps: 6, batchSize: 16 } });
  expect(JSON.parse(await readFile(join(run, "summary.json"), "utf8"))).toMatchObject({ outcome: "completed" });
  for (const entry of ["metrics.jsonl", "checkpoints"]) expect(await stat(join(run, entry))).toBeTruthy();
});

test("a run is inspected, listed, measured again and asked", async () => {
  const { json } = await mf(folder, ["inspect", "runs/first", "--json"]);
  expect(json.clock).toMatchObject({ steps: 6, samples: 96 });
  expect(json.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(json.tensors["params/stem/bias"]).toEqual({ dtype: "float32", shape: [128] });

  const runs = await mf(folder, ["runs", "--json"]);
  expect(runs.json.runs).toMatchObject([{ run: "first", preset: "panda-meanflow", steps: 6, outcome: "completed" }]);

  const measured = await mf(folder, ["eval", "first", "--json"]);
  expect(measured.json.metrics["val/position_error_mm"]).toBeCloseTo(trained.json.metrics["val/position_error_mm"], 6);
  expect(Object.keys(measured.json.baselines)).toEqual(Object.keys(trained.json.baselines));

  const pose = "0.5,0.1,0.4,0,1,0,0";
  const asked = await mf(folder, ["infer", "first", "--pose", pose, "--samples", "2", "--polish", "5", "--json"]);
  expect(asked.json.solutions[0]).toHaveLength(2);
  expect(asked.json.solutions[0][0].q).toHaveLength(7);
});

test("a run is resumed with the configuration it was started with, and flags change it", async () => {
  const { code, json, stderr } = await mf(folder, [
    "train",
    "--resume",
    "runs/first",
    "--steps",
    "8",
    "--force",
    "--json",
  ]);
  expect(stderr).toContain("Resumed first at step 6");
  expect(code).toBe(0);
  expect(json).toMatchObject({ run: join(folder, "runs", "first"), steps: 8 });
});

test("resuming a run that has reached its steps is refused with advice", async () => {
  const { code, stderr } = await mf(folder, ["train", "--resume", "last", "--name", "first"]);
  expect(code).toBe(2);
  expect(stderr).toContain("Give more --steps");
});

test("Ctrl-C saves a checkpoint, says how to go on, and exits with 130", async () => {
  const child = startMf(folder, ["train", "panda-meanflow", ...small, "--name", "cut", "--steps", "100000"]);
  const ended = finished(child);
  const run = join(folder, "runs", "cut");
  for (;;) {
    if (await stat(join(run, "config.json")).catch(() => null)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  expect(stderr).toContain("Stopping: a checkpoint is being saved.");
  expect(stdout).toContain("Go on with: mf train --resume runs/cut");
  expect(code).toBe(130);
  const { json } = await mf(folder, ["inspect", "cut", "--json"]);
  expect(json).toMatchObject({ preset: "panda-meanflow", stopReason: null });
});
