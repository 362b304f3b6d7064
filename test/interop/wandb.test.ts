import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelArtifact } from "../../plugins/loggers/wandb/artifact.ts";
import { info, openRecording, point, points, type TestRecording } from "../plugins/loggers/wandb/local.ts";
import { type FakeWandb, fakeWandb, readLine, stepsOf } from "../support/fake-wandb.ts";

// pip install wandb; 0.31 is what this was written against.
const python = ["python3", "/usr/bin/python3", "python"].find(
  (candidate) => spawnSync(candidate, ["-m", "wandb", "--version"], { stdio: "ignore" }).status === 0,
);
const reason = python === undefined ? " (skipped: no Python interpreter here has wandb)" : "";

let directory: string;
let fake: FakeWandb;
let recording: TestRecording;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mf-wandb-sync-"));
  fake = await fakeWandb();
});
afterEach(async () => {
  await recording.local.close();
  await fake.stop();
  await rm(directory, { recursive: true });
});

/** W&B's own `wandb sync`, of the run that is open. */
async function sync(): Promise<string> {
  const env = {
    ...{ ...process.env, WANDB_BASE_URL: fake.url, WANDB_API_KEY: "0123456789".repeat(4) },
    ...{ WANDB_MODE: undefined, WANDB_ERROR_REPORTING: "false", HOME: directory },
  };
  const words = ["-m", "wandb", "sync", recording.local.folder];
  const { stdout, stderr } = await promisify(execFile)(python!, words, { cwd: directory, env });
  return stdout + stderr;
}
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const sentRun = () => fake.runs.get(info.id)!;

test.skipIf(python === undefined)(
  `wandb sync sends a whole run${reason}`,
  async () => {
    const checkpoint = join(directory, "step-00003000");
    await mkdir(checkpoint);
    await writeFile(join(checkpoint, "manifest.json"), "{}");
    recording = await openRecording(directory);
    for (let step = 1; step <= 3000; step += 7) {
      await recording.write(points(step, Math.min(3000, step + 6)));
      // Lengths of many kinds, so that records meet the ends of blocks in every way.
      if (step % 3 === 0)
        await recording.write([point(Math.min(3000, step + 6), `val/${"x".repeat(step % 200)}`, Number.NaN)]);
    }
    const at = { step: 3000, epoch: 0 };
    await recording.media([
      { ...at, name: "notes", kind: "text", text: "hello" },
      { ...at, name: "grads", kind: "histogram", edges: [0, 1, 2], counts: [3, 4] },
      { ...at, name: "methods", kind: "table", columns: ["a"], rows: [[1]] },
    ]);
    await recording.finish(0, await modelArtifact(recording.local.run, checkpoint, ["latest"]));
    expect(await sync()).toContain("Finished syncing");
    const run = sentRun();
    expect(stepsOf(run)).toEqual(upTo(3000));
    expect(run.exitcode).toBe(0);
    expect(run.upsert).toMatchObject({ project: "arm", displayName: "first", groupName: "g", tags: ["x", "y"] });
    expect(JSON.parse(run.upsert["config"] as string)).toMatchObject({ lr: { value: 0.0001 } });
    expect(readLine(run.summary!)).toMatchObject({ _step: 3000, "train/loss": 30_000 });
    const last = readLine(run.history.at(-1)!) as Record<string, { path?: string }>;
    expect(last["grads"]).toEqual({ _type: "histogram", values: [3, 4], bins: [0, 1, 2] });
    expect(run.uploaded).toEqual(expect.arrayContaining([last["notes"]!.path, last["methods"]!.path]));
    expect(fake.artifacts).toMatchObject([{ state: "COMMITTED", input: { artifactCollectionName: "first-model" } }]);
  },
  60_000,
);

test.skipIf(python === undefined)(
  `wandb sync of a killed run sends what there is${reason}`,
  async () => {
    recording = await openRecording(directory);
    await recording.write(points(1, 40));
    await sync();
    expect(stepsOf(sentRun())).toEqual(upTo(40));
    expect(sentRun().exitcode).toBe(1);
  },
  60_000,
);

test.skipIf(python === undefined)(
  `wandb sync of a run that was killed and resumed sends each step once${reason}`,
  async () => {
    recording = await openRecording(directory);
    await recording.write(points(1, 25));
    await recording.local.close();
    recording = await openRecording(directory, 20);
    await recording.write(points(21, 50));
    await recording.finish(0, null);
    await sync();
    expect(stepsOf(sentRun())).toEqual(upTo(50));
  },
  60_000,
);

test.skipIf(python === undefined)(
  `wandb sync adds to a run whose first part is elsewhere${reason}`,
  async () => {
    recording = await openRecording(directory);
    await recording.write(points(1, 20));
    await recording.finish(0, null);
    await sync();
    await recording.local.close();
    await rm(recording.local.folder, { recursive: true });
    recording = await openRecording(directory, 20, { ...info, rowsBefore: 20 });
    await recording.write(points(21, 30));
    await recording.finish(0, null);
    await sync();
    expect(stepsOf(sentRun())).toEqual(upTo(30));
  },
  60_000,
);
