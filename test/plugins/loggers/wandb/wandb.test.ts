import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { definePlugin, type Plugin } from "../../../../core/plugin.ts";
import { type Bench, createBench, useBackend } from "../../../../core/testing/index.ts";
import { wandb } from "../../../../plugins/loggers/wandb/index.ts";
import { type FakeWandb, fakeWandb, stepsOf } from "../../../support/fake-wandb.ts";
import { readLocalRun } from "../../../support/wandb-file.ts";
import { point } from "./local.ts";

beforeAll(async () => void (await useBackend("cpu")));

const KEY = "0123456789abcdef0123456789abcdef01234567";
let directory = "";
let fake: FakeWandb;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "wandb-"));
  fake = await fakeWandb();
  for (const name of Object.keys(process.env)) if (name.startsWith("WANDB_")) vi.stubEnv(name, undefined);
  vi.stubEnv("NETRC", join(directory, "none"));
  vi.stubEnv("WANDB_BASE_URL", fake.url);
  vi.stubEnv("WANDB_API_KEY", KEY);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await fake.stop();
  await rm(directory, { recursive: true });
});

/** Records a number after each step. */
const recorder = definePlugin({
  name: "recorder",
  summary: "",
  options: z.strictObject({}),
  setup: ({ hooks, metrics }) => hooks.onStep.tap("recorder", ({ clock }) => metrics.record([point(clock.steps)])),
});

const benchOf = (plugin: Plugin): Bench => createBench([plugin, recorder()], undefined, { directory });

/** A run of some steps, from its start to its end; returns what the person was told. */
async function runOf(plugin: Plugin, steps = 20): Promise<readonly string[]> {
  const bench = benchOf(plugin);
  await bench.start();
  await bench.steps(steps);
  await settle();
  await bench.finish();
  await bench.dispose();
  return bench.messages;
}

/** What the training loop waits for before it tells that the run is over. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 700));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const onlyRun = () => [...fake.runs.values()][0]!;

test("online: the local run and the server have every row", async () => {
  const messages = await runOf(wandb({ project: "arm", tags: ["x"] }));
  const local = await readLocalRun(directory);
  expect(local.steps).toEqual(upTo(20));
  expect(local.exit).toMatchObject({ code: 0 });
  expect(stepsOf(onlyRun())).toEqual(upTo(20));
  expect(onlyRun()).toMatchObject({ id: local.run["id"], project: "arm", exitcode: 0 });
  expect(messages).toEqual([`W&B: ${fake.url}/me/arm/runs/${local.run["id"]}`]);
  await readFile(`${local.file}.synced`);
});

test("offline: the local run only, without a key", async () => {
  vi.stubEnv("WANDB_API_KEY", undefined);
  vi.stubEnv("WANDB_MODE", "offline");
  expect(await runOf(wandb())).toEqual([]);
  expect((await readLocalRun(directory)).steps).toEqual(upTo(20));
  expect(fake.requests).toBe(0);
});

test("disabled: nothing", async () => {
  expect(await runOf(wandb({ mode: "disabled" }))).toEqual([]);
  await expect(readLocalRun(directory)).rejects.toMatchObject({ code: "ENOENT" });
  expect(fake.requests).toBe(0);
});

test("online without a key: the local run, and one line that says what to do", async () => {
  vi.stubEnv("WANDB_API_KEY", undefined);
  const messages = await runOf(wandb());
  const { folder, steps } = await readLocalRun(directory);
  expect(basename(folder)).toMatch(/^offline-run-/);
  expect(steps).toEqual(upTo(20));
  expect(messages).toEqual([expect.stringMatching(/^W&B: no API key .* Send it with: mf wandb sync /)]);
  expect(messages[0]).toContain(directory);
  expect(fake.requests).toBe(0);
});

test.each([
  [401, /refused the API key \(401\).* Training goes on; the run is kept\. Send it with: mf wandb sync /],
  [500, /answered 500.* Training goes on; the run is kept in .* and sent when that is possible\.$/],
  ["drop", /cannot be reached .* Training goes on; the run is kept in /],
  ["hang", /^W&B has 0 of the run's 20 rows\. Send it with: mf wandb sync /],
] as const)("%s from start to end: the run is in the local run, the person is warned once", async (fault, warning) => {
  fake.behaviour = fault;
  const messages = await runOf(wandb({ drainSeconds: fault === "hang" ? 1 : 10 }));
  expect((await readLocalRun(directory)).steps).toEqual(upTo(20));
  expect(messages[0]).toMatch(warning);
  // The rest is no warning: what became of it in the end.
  expect(messages.slice(1).every((message) => message.includes("wandb sync"))).toBe(true);
});

test("a run that is resumed goes on as the same, at its row", async () => {
  const bench = benchOf(wandb());
  await bench.start();
  await bench.steps(12);
  const saved = bench.save();
  expect(saved.memory["wandb"]).toMatchObject({ rows: 12 });
  await bench.steps(5);
  await settle();
  // Killed: neither an end nor a last send.
  await bench.dispose();
  const again = benchOf(wandb());
  again.load(saved);
  await again.start("checkpoint");
  await again.steps(20);
  await settle();
  await again.finish();
  await again.dispose();
  const local = await readLocalRun(directory);
  expect(local.steps).toEqual(upTo(32));
  expect([...fake.runs.keys()]).toEqual([local.run["id"]]);
  expect(stepsOf(onlyRun())).toEqual(upTo(32));
});

test("a run has the id that it is given, and keeps it", async () => {
  vi.stubEnv("WANDB_RUN_ID", "sweep-1");
  const bench = benchOf(wandb());
  await bench.start();
  await bench.steps(3);
  const saved = bench.save();
  await settle();
  await bench.dispose();
  const again = benchOf(wandb({ id: "sweep-2" }));
  again.load(saved);
  await again.start("checkpoint");
  await again.steps(2);
  await settle();
  await again.finish();
  await again.dispose();
  expect(again.messages).toContainEqual(expect.stringContaining("goes on as sweep-1, not as sweep-2"));
  expect([...fake.runs.keys()]).toEqual(["sweep-1"]);
  expect(stepsOf(onlyRun())).toEqual(upTo(5));
  expect((await readLocalRun(directory)).run["id"]).toBe("sweep-1");
});

test("a run without its local part goes on at its row too", async () => {
  const bench = benchOf(wandb());
  await bench.start();
  await bench.steps(12);
  const saved = bench.save();
  await settle();
  await bench.finish();
  await bench.dispose();
  await rm(join(directory, "wandb"), { recursive: true });
  const again = benchOf(wandb());
  again.load(saved);
  await again.start("checkpoint");
  await again.steps(3);
  await settle();
  await again.finish();
  await again.dispose();
  expect(stepsOf(onlyRun())).toEqual(upTo(15));
});

test("the key is in no file", async () => {
  const bench = benchOf(wandb());
  await bench.start();
  await bench.steps(3);
  await settle();
  await bench.finish();
  expect(JSON.stringify([bench.save(), bench.messages, wandb().options])).not.toContain(KEY);
  await bench.dispose();
  const { file } = await readLocalRun(directory);
  expect(String(await readFile(file))).not.toContain(KEY);
});

test("a folder that cannot be made costs the recording, not the run", async () => {
  await writeFile(join(directory, "wandb"), "in the way");
  const messages = await runOf(wandb());
  expect(messages).toEqual([expect.stringMatching(/^Metric sink "wandb" failed \(.*Training goes on\.$/)]);
  expect(fake.requests).toBe(0);
});

test("the checkpoint, when it is asked for", async () => {
  const checkpoint = join(directory, "checkpoints", "step-00000020");
  await mkdir(checkpoint, { recursive: true });
  await writeFile(join(checkpoint, "manifest.json"), "{}");
  expect(await runOf(wandb({ checkpoint: true }))).toHaveLength(1);
  expect(fake.artifacts).toMatchObject([{ state: "COMMITTED", input: { artifactTypeName: "model" } }]);
});

test("a checkpoint that is not there is named, and the run ends as any other", async () => {
  const messages = await runOf(wandb({ checkpoint: true }));
  expect(messages).toContainEqual(expect.stringMatching(/^W&B: checkpoint step-00000020 is not stored \(ENOENT/));
  expect((await readLocalRun(directory)).exit).toMatchObject({ code: 0 });
  expect(onlyRun().exitcode).toBe(0);
});

test("worse outcomes have other exit codes", async () => {
  for (const [outcome, code] of [
    ["interrupted", 255],
    ["failed", 1],
  ] as const) {
    const bench = benchOf(wandb());
    await bench.start();
    await bench.steps(2);
    await settle();
    await bench.finish(outcome);
    await bench.dispose();
    expect((await readLocalRun(directory)).exit).toMatchObject({ code });
    await rm(join(directory, "wandb"), { recursive: true });
  }
});

test("names of metrics that others expect", async () => {
  vi.stubEnv("WANDB_MODE", "offline");
  await runOf(wandb({ aliases: { "train/cost": "train/loss" } }), 2);
  expect((await readLocalRun(directory)).rows[1]).toMatchObject({ "train/loss": 20, "train/cost": 20 });
});
