import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { typescriptArguments } from "../../../../core/worker-entry.ts";
import type { ThreadTold } from "../../../../plugins/loggers/wandb/sender-thread.ts";
import { type FakeWandb, fakeWandb, readLine, stepsOf } from "../../../support/fake-wandb.ts";
import { info, openRecording, point, points, type TestRecording } from "./local.ts";

let directory = "";
let fake: FakeWandb;
let recording: TestRecording;
let thread: Worker;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "wandb-sdk-"));
  fake = await fakeWandb();
  recording = await openRecording(directory);
});
afterEach(async () => {
  await thread.terminate();
  await recording.local.close();
  await fake.stop();
  await rm(directory, { recursive: true });
});

/** The thread that sends, as the plugin starts it, but less patient. */
function startThread(deadline_ms = 1500): { told: ThreadTold[]; ended: Promise<string | null> } {
  const { folder, file, run, rows } = recording.local;
  const server = { baseUrl: fake.url, apiKey: "secret", deadline_ms };
  const entry = new URL("../../../../plugins/loggers/wandb/sender-thread.ts", import.meta.url);
  thread = new Worker(entry, {
    workerData: { server, transport: "sdk", run, folder, file, rowsKept: rows },
    execArgv: typescriptArguments(),
    stdout: true,
    stderr: true,
  });
  const told: ThreadTold[] = [];
  const ended = new Promise<string | null>((resolve) => {
    thread.on("message", (message: ThreadTold) => {
      told.push(message);
      if (message.kind === "ended") resolve(message.problem);
    });
    thread.on("error", (error) => resolve(`uncaught: ${error.message}`));
  });
  return { told, ended };
}
const settled = (bytes: number, ending = false): void => thread.postMessage({ bytes, ending });
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
const sentRun = () => fake.runs.get(info.id)!;
const isNotice = ({ kind }: ThreadTold): boolean => kind === "notice";

test("rows go through the SDK; names, configuration and the exit code as W&B's core has them", async () => {
  const { told, ended } = startThread();
  settled(await recording.write(points(1, 41)));
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(40), 8000);
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(told.filter(isNotice)).toEqual([]);
  expect(stepsOf(sentRun())).toEqual(upTo(41));
  expect(fake.agents.has("W&B Internal JS Client 0.3.0")).toBe(true);
  expect(JSON.parse(sentRun().upsert["config"] as string)).toMatchObject({ lr: { value: 0.0001 } });
  expect(sentRun().upsert).toMatchObject({ displayName: "first", groupName: "g", tags: ["x", "y"] });
  expect(readLine(sentRun().summary!)).toMatchObject({ _step: 41, "train/loss": 410 });
  expect(sentRun().exitcode).toBe(0);
});

test("25 000 rows, of which the SDK's own end would send 10 000", async () => {
  const { ended } = startThread(20_000);
  for (let step = 1; step < 25_000; step += 1000) await recording.write(points(step, step + 999));
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(stepsOf(sentRun())).toEqual(upTo(25_000));
});

test("a resumed run goes on at its row", async () => {
  startThread();
  settled(await recording.write(points(1, 11)));
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(10), 8000);
  await thread.terminate();
  await recording.local.close();
  recording = await openRecording(directory, 8);
  const { ended } = startThread();
  await recording.write(points(9, 20));
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(stepsOf(sentRun())).toEqual(upTo(20));
});

test("numbers that JSON cannot say arrive", async () => {
  const { ended } = startThread();
  await recording.write([point(1), point(1, "val/loss", Number.NaN), point(2)]);
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(readLine(sentRun().history[0]!)).toMatchObject({ "train/loss": 10, "val/loss": "NaN" });
});

test.each([500, "drop", "hang"] as const)("%s for a while: every row arrives, once", async (fault) => {
  const { told, ended } = startThread(500);
  settled(await recording.write(points(1, 11)));
  await vi.waitFor(() => expect(sentRun()?.history).toHaveLength(10), 8000);
  fake.behaviour = fault;
  settled(await recording.write(points(12, 31)));
  await vi.waitFor(() => expect(told.some(({ kind }) => kind === "trouble")).toBe(true), 15_000);
  fake.behaviour = "ok";
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(stepsOf(sentRun())).toEqual(upTo(31));
});

test.each([500, "drop", "hang", "garbage"] as const)(
  "an SDK that fails to start (%s) gives way to our client",
  async (fault) => {
    // Its first question, which our client never asks.
    fake.faults.set("viewer", fault);
    const { told, ended } = startThread(500);
    await recording.write(points(1, 20));
    settled((await recording.finish(0, null)).bytes, true);
    expect(await ended).toBeNull();
    expect(told.filter(isNotice)).toEqual([
      { kind: "notice", text: expect.stringMatching(/^@wandb\/sdk .*MotionForge's own client sends the run\.$/) },
    ]);
    expect(stepsOf(sentRun())).toEqual(upTo(20));
  },
);

test("an SDK that throws where nobody can catch it (401 at its start) ends nothing", async () => {
  fake.faults.set("upsertBucket", (request) => (request === 2 ? 401 : "ok"));
  const { told, ended } = startThread(500);
  await recording.write(points(1, 20));
  settled((await recording.finish(0, null)).bytes, true);
  expect(await ended).toBeNull();
  expect(told.filter(isNotice)).toHaveLength(1);
  expect(stepsOf(sentRun())).toEqual(upTo(20));
});
