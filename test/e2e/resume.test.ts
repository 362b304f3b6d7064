import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkpointHashes, metricRows, run, small, start } from "./mf.ts";

let folder: string;
const options = [...small, "--train.validate=10 steps", "--checkpointing.every=5 steps", "--steps=40"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-resume-"));
  const straight = await run(folder, "train", ...options, "--name=straight");
  expect(straight.stderr).toContain("completed at step 40");
  expect(straight.code).toBe(0);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("twenty steps, a stop and twenty more equal forty, bit for bit: weights, moments, average, data, memory, metrics", async () => {
  // The schedule must not see the shorter length: it is given the whole one.
  const first = await run(folder, "train", ...options, "--schedule.steps=40", "--steps=20", "--name=halves");
  expect(first.code).toBe(0);
  const second = await run(folder, "train", ...options, "--name=halves", "--resume=last");
  expect(second.stderr).toContain("Resumed halves at step 20");
  expect(second.code).toBe(0);
  expect(await checkpointHashes(folder, "halves", 40)).toEqual(await checkpointHashes(folder, "straight", 40));
  expect(await metricRows(folder, "halves")).toEqual(await metricRows(folder, "straight"));
}, 60_000);

test("the same seed gives the same run, another seed another", async () => {
  await run(folder, "train", ...options, "--name=again");
  await run(folder, "train", ...options, "--name=other", "--seed=1");
  const straight = await checkpointHashes(folder, "straight", 40);
  expect(await checkpointHashes(folder, "again", 40)).toEqual(straight);
  expect((await checkpointHashes(folder, "other", 40)).weightsSha256).not.toBe(straight.weightsSha256);
}, 60_000);

test("a run that is complete says so instead of training on", async () => {
  const { code, stderr } = await run(folder, "train", ...options, "--name=straight", "--resume=last");
  expect(stderr).toContain("MF_RUN_STOPPED");
  expect(code).toBe(2);
}, 60_000);

test("Ctrl-C saves and leaves with 130; the run continues to the same weights", async () => {
  const child = start(folder, "train", ...options, "--name=interrupted");
  let said = "";
  child.stderr!.on("data", (chunk) => {
    said += chunk;
    if (/step 10:/.test(said)) child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.on("exit", resolve));
  expect(code).toBe(130);
  const resumed = await run(folder, "train", ...options, "--name=interrupted", "--resume=last");
  expect(resumed.code).toBe(0);
  expect(await checkpointHashes(folder, "interrupted", 40)).toEqual(await checkpointHashes(folder, "straight", 40));
}, 60_000);
