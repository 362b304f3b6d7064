import type { MetricPoint } from "../../../../core/metrics/stream.ts";
import { type LocalRun, openLocalRun } from "../../../../plugins/loggers/wandb/local-run.ts";
import { openLogReader } from "../../../../plugins/loggers/wandb/log-reader.ts";
import { createRecording } from "../../../../plugins/loggers/wandb/recording.ts";
import type { RunInfo } from "../../../../plugins/loggers/wandb/records.ts";
import {
  type Sender,
  startSender,
  type Timing,
  type Told,
  type Transport,
} from "../../../../plugins/loggers/wandb/sender.ts";

export const info: RunInfo = {
  ...{ id: "abcd1234", entity: null, project: "arm", name: "first", group: "g", notes: null, tags: ["x", "y"] },
  config: new Map([["lr", "0.0001"]]),
  startedAt_ms: Date.UTC(2026, 0, 2, 3, 4, 5),
  rowsBefore: 0,
};

export const point = (step: number, name = "train/loss", value = 10 * step) => ({
  ...{ name, value, step, epoch: 0 },
  split: name.startsWith("val/") ? ("val" as const) : ("train" as const),
});

export const points = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => point(from + i));

export async function openRecording(directory: string, steps = 0, run: RunInfo = info) {
  const local = await openLocalRun(directory, run, steps, "offline");
  const recording = createRecording(local, { began_ms: 0, of: (step) => 1000 * step });
  return {
    ...recording,
    write(given: readonly MetricPoint[]): Promise<number> {
      recording.add(given);
      return recording.flush();
    },
  };
}

export type TestRecording = Awaited<ReturnType<typeof openRecording>>;

export const fast: Timing = {
  interval_ms: () => 20,
  heartbeat_ms: 60_000,
  backoff_ms: 20,
  longestBackoff_ms: 200,
  endingBackoff_ms: 50,
};

/** A sender of a local run, and what it tells. */
export async function sendingOf(
  local: LocalRun,
  transport: Transport,
  timing: Timing = fast,
): Promise<{ sender: Sender; told: Told[]; done: Promise<Error | null> }> {
  const told: Told[] = [];
  const source = { run: local.run, log: await openLogReader(local.file), rowsKept: local.rows };
  const sender = startSender(source, transport, (one) => told.push(one), timing);
  const done = sender.done.then(
    () => null,
    (error: Error) => error,
  );
  return { sender, told, done };
}
