import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { modelArtifact } from "../../../../plugins/loggers/wandb/artifact.ts";
import type { Server } from "../../../../plugins/loggers/wandb/http.ts";
import type { Told } from "../../../../plugins/loggers/wandb/sender.ts";
import { createClientTransport } from "../../../../plugins/loggers/wandb/transport.ts";
import { type FakeWandb, fakeWandb, readLine, stepsOf } from "../../../support/fake-wandb.ts";
import { readLocalRun } from "../../../support/wandb-file.ts";
import { fast, info, openRecording, point, points, sendingOf, type TestRecording } from "./local.ts";

let directory = "";
let fake: FakeWandb;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "wandb-sender-"));
  fake = await fakeWandb();
});
afterEach(async () => {
  for (const { local } of opened.splice(0)) await local.close();
  await fake.stop();
  await rm(directory, { recursive: true });
});

const server = (deadline_ms = 5000): Server => ({ baseUrl: fake.url, apiKey: "secret", deadline_ms });
const client = (folder: string, deadline_ms?: number) => createClientTransport(server(deadline_ms), folder);
const opened: TestRecording[] = [];
const open = async (steps?: number): Promise<TestRecording> => {
  const recording = await openRecording(join(directory, "wandb"), steps);
  opened.push(recording);
  return recording;
};
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const sentRun = () => fake.runs.get(info.id)!;

test("a run arrives whole: rows, summary, configuration, names and exit code", async () => {
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder));
  for (let step = 1; step <= 30; step += 3) {
    sender.settled(await recording.write([point(step), point(step, "val/loss", Number.NaN)]), false);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { bytes } = await recording.finish(3, null);
  sender.settled(bytes, true);
  expect(await done).toBeNull();
  const run = sentRun();
  expect(stepsOf(run)).toEqual([1, 4, 7, 10, 13, 16, 19, 22, 25, 28]);
  expect(run.history[0]).toBe('{"_step":1,"_runtime":1,"_timestamp":1,"epoch":0,"train/loss":10,"val/loss":NaN}');
  expect(readLine(run.summary!)).toMatchObject({ _step: 28, "train/loss": 280, "val/loss": "NaN" });
  expect(run.exitcode).toBe(3);
  expect(run.upsert).toMatchObject({ displayName: "first", project: "arm", groupName: "g", tags: ["x", "y"] });
  expect(JSON.parse(run.upsert["config"] as string)).toEqual({
    lr: { value: 0.0001 },
    _wandb: { value: { m: [], t: {} } },
  });
  expect(fake.authorizations).toEqual(new Set([`Basic ${btoa("api:secret")}`]));
  expect(told.at(-1)).toEqual({ kind: "sent", rows: 10 });
});

test("the row that may still grow waits for the next", async () => {
  const recording = await open();
  const { sender, done } = await sendingOf(recording.local, client(recording.local.folder));
  sender.settled(await recording.write([point(1), point(2)]), false);
  await vi.waitFor(() => expect(stepsOf(sentRun())).toEqual([1]));
  sender.settled(await recording.write([point(2, "val/loss", 5), point(3)]), false);
  await vi.waitFor(() => expect(stepsOf(sentRun())).toEqual([1, 2]));
  expect(readLine(sentRun().history[1]!)).toMatchObject({ "train/loss": 20, "val/loss": 5 });
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
});

test.each([500, 429, "drop", "hang"] as const)("%s for a while: everything arrives, once", async (fault) => {
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder, 100));
  sender.settled(await recording.write(points(1, 50)), false);
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(49));
  fake.behaviour = fault;
  sender.settled(await recording.write(points(51, 100)), false);
  await vi.waitFor(() => expect(told.filter(({ kind }) => kind === "trouble").length).toBeGreaterThan(1));
  fake.behaviour = "ok";
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  expect(stepsOf(sentRun())).toEqual(upTo(100));
});

test("rows that the server took without saying so are there once", async () => {
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder));
  sender.settled(await recording.write(points(1, 21)), false);
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(20));
  fake.behaviour = "mute";
  sender.settled(await recording.write(points(22, 41)), false);
  await vi.waitFor(() => expect(told.filter(({ kind }) => kind === "trouble").length).toBeGreaterThan(2));
  expect(sentRun().history).toHaveLength(40);
  fake.behaviour = "ok";
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  expect(stepsOf(sentRun())).toEqual(upTo(41));
});

test("a server that is restarted in the middle", async () => {
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder));
  for (let step = 1; step <= 300; step += 10) {
    sender.settled(await recording.write(points(step, step + 9)), false);
    if (step === 101) await fake.stop();
    if (step === 201) await fake.start();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  expect(told).toContainEqual({ kind: "trouble", problem: expect.stringContaining("cannot be reached (ECONN") });
  expect(stepsOf(sentRun())).toEqual(upTo(300));
});

test("a slow server", async () => {
  fake.behaviour = "slow";
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder));
  await recording.write(points(1, 20));
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  expect(told.map(({ kind }) => kind)).toEqual(["opened", "sent"]);
  expect(stepsOf(sentRun())).toEqual(upTo(20));
});

test.each([
  [401, "refused the API key (401)"],
  [403, "denied permission (403)"],
  ["garbage", "does not answer as W&B does"],
] as const)("%s ends the sending at once, and is not repeated", async (fault, problem) => {
  fake.behaviour = fault;
  const recording = await open();
  const { done } = await sendingOf(recording.local, client(recording.local.folder));
  expect(await done).toMatchObject({ code: "MF_WANDB_REFUSED", message: expect.stringContaining(problem) });
  expect(fake.requests).toBe(1);
});

test("a server that was never there is asked once more when the run ends, and not again", async () => {
  await fake.stop();
  const recording = await open();
  const { sender, told, done } = await sendingOf(recording.local, client(recording.local.folder), {
    ...fast,
    backoff_ms: 60_000,
    longestBackoff_ms: 60_000,
  });
  await vi.waitFor(() => expect(told).toHaveLength(1));
  await recording.write(points(1, 5));
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toMatchObject({ code: "MF_WANDB_UNREACHABLE" });
  expect(told).toHaveLength(2);
  await fake.start();
});

test("100 000 rows", async () => {
  const recording = await open();
  const { sender, done } = await sendingOf(recording.local, client(recording.local.folder));
  for (let step = 1; step < 100_000; step += 1000) await recording.write(points(step, step + 999));
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  const { history } = sentRun();
  expect(history).toHaveLength(100_000);
  expect(history.every((line, i) => line.startsWith(`{"_step":${i + 1},`))).toBe(true);
  const local = await readLocalRun(directory);
  expect(local.steps).toEqual(upTo(100_000));
});

test("a silent run is kept alive", async () => {
  const recording = await open();
  const { sender, done } = await sendingOf(recording.local, client(recording.local.folder), {
    ...fast,
    heartbeat_ms: 60,
  });
  await vi.waitFor(() => expect(sentRun()?.heartbeats).toBeGreaterThan(2));
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
});

/** Sends all of a recording that has ended. */
async function sendAll(recording: TestRecording): Promise<Told[]> {
  const { local } = recording;
  const { sender, told, done } = await sendingOf(local, client(local.folder));
  sender.settled((await recording.finish(0, null)).bytes, true);
  expect(await done).toBeNull();
  return told;
}

test("a resumed run sends what the server missed first", async () => {
  const first = await open();
  const { sender, told } = await sendingOf(first.local, client(first.local.folder));
  sender.settled(await first.write(points(1, 11)), false);
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(10));
  await fake.stop();
  sender.settled(await first.write(points(12, 30)), false);
  await vi.waitFor(() => expect(told.at(-1)!.kind).toBe("trouble"));
  // The process is killed; another goes on from a checkpoint at step 25.
  await fake.start();
  const again = await open(25);
  await again.write(points(26, 40));
  await sendAll(again);
  expect(stepsOf(sentRun())).toEqual(upTo(40));
});

test("rows after the checkpoint, which the server has, are replaced by those that are done again", async () => {
  const first = await open();
  await first.write(points(1, 30));
  await sendAll(first);
  const again = await open(18);
  await again.write(points(19, 30).map((p) => ({ ...p, value: -p.step })));
  const told = await sendAll(again);
  expect(stepsOf(sentRun())).toEqual(upTo(30));
  const losses = sentRun().history.map((line) => readLine(line)["train/loss"]);
  expect(losses).toEqual(upTo(30).map((step) => (step <= 18 ? 10 * step : -step)));
  expect(told.filter(({ kind }) => kind === "sent")).toEqual([{ kind: "sent", rows: 30 }]);
  expect(sentRun().exitcode).toBe(0);
});

test("a run whose local part is elsewhere goes on at its row", async () => {
  const first = await open();
  await first.write(points(1, 12));
  await sendAll(first);
  await rm(join(directory, "wandb"), { recursive: true });
  const again = await openRecording(join(directory, "wandb"), 10, { ...info, rowsBefore: 10 });
  opened.push(again);
  await again.write(points(11, 20));
  await sendAll(again);
  expect(stepsOf(sentRun())).toEqual(upTo(20));
});

test("files are stored, and named to the run, before the rows that name them", async () => {
  const recording = await open();
  await recording.write([point(1)]);
  await recording.media([{ name: "notes", step: 1, epoch: 0, kind: "text", text: "hello" }]);
  await recording.write([point(2)]);
  await sendAll(recording);
  const { path } = readLine(sentRun().history[0]!)["notes"] as { path: string };
  expect(sentRun().uploaded).toEqual([path]);
  expect(String(fake.stored.get(path))).toContain("<pre");
});

test("a file that is gone is left out, and named", async () => {
  const recording = await open();
  await recording.media([{ name: "notes", step: 1, epoch: 0, kind: "text", text: "hello" }]);
  await rm(join(recording.local.folder, "files"), { recursive: true });
  const told = await sendAll(recording);
  expect(told).toContainEqual({
    kind: "left-out",
    problem: expect.stringMatching(/^media\/html\/notes_1_\w+\.html: ./),
  });
  expect(stepsOf(sentRun())).toEqual([1]);
});

test("a checkpoint arrives as a committed artifact, whose content is stored once", async () => {
  const checkpoint = join(directory, "step-00000002");
  await mkdir(checkpoint);
  await writeFile(join(checkpoint, "manifest.json"), "{}");
  await writeFile(join(checkpoint, "tensors.safetensors"), Buffer.alloc(300_000, 7));
  for (const committed of [1, 2]) {
    const recording = await openRecording(join(directory, `wandb-${committed}`));
    opened.push(recording);
    const { sender, done } = await sendingOf(recording.local, client(recording.local.folder));
    await recording.write(points(1, 2));
    const artifact = await modelArtifact(info, checkpoint, ["latest", "step-00000002"]);
    sender.settled((await recording.finish(0, artifact)).bytes, true);
    expect(await done).toBeNull();
    expect(fake.artifacts.map(({ state }) => state)).toEqual(Array(committed).fill("COMMITTED"));
  }
  expect(fake.stored.get("tensors.safetensors")).toHaveLength(300_000);
  const manifest = JSON.parse(String(fake.stored.get("wandb_manifest.json")));
  expect(manifest).toMatchObject({
    storagePolicy: "wandb-storage-policy-v1",
    contents: { "manifest.json": { digest: "mZFLkyvTelC5g8XnyQrpOw==", size: 2, birthArtifactID: "artifact-0" } },
  });
  expect(fake.requests).toBe(2 * 4 + 7);
});
