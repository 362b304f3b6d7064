import { join } from "node:path";
import { CHECKPOINTS_FOLDER } from "../../../core/checkpoint/resolve.ts";
import type { Json } from "../../../core/json.ts";
import type { Media } from "../../../core/metrics/media.ts";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import type { Log } from "../../../core/plugin.ts";
import { modelArtifact } from "./artifact.ts";
import { type Delivery, sendLater, startDelivery } from "./delivery.ts";
import { wordsOf } from "./errors.ts";
import { valueText } from "./extended-json.ts";
import { REQUEST_DEADLINE_MS, type Server } from "./http.ts";
import { LOCAL_RUNS, type LocalRun, openLocalRun } from "./local-run.ts";
import { createRecording } from "./recording.ts";
import type { RunInfo } from "./records.ts";
import type { Times } from "./rows.ts";
import { findApiKey, type Settings } from "./settings.ts";

/** A run's recording and its way to the server, from the start to the end of this process's part of it. */
export interface Session {
  /** Rows of history that there were. */
  readonly rowsBefore: number;
  /** Keeps points for the next flush. */
  add(points: readonly MetricPoint[]): void;
  /** Write to the local run, and let what is settled be sent. Reject with what the file system throws. */
  flush(): Promise<void>;
  media(items: readonly Media[]): Promise<void>;
  /** Writes the end, with the name of a checkpoint to store. Rejects with what the file system throws. */
  end(exitCode: number, checkpoint: string | null): Promise<void>;
  /** Waits until the run has arrived, as long as the options say, and marks it as sent. Rejects with nothing. */
  arrival(): Promise<void>;
  close(): Promise<void>;
}

export interface SessionPlan {
  /** The run's folder. */
  readonly directory: string;
  readonly id: string;
  readonly config: Readonly<Record<string, Json>>;
  /** Steps done. */
  readonly steps: number;
  /** Rows of history that the run had at this step. */
  readonly before: number;
  readonly times: Times;
  readonly chosen: Settings;
  readonly options: { readonly transport: "client" | "sdk"; readonly drainSeconds: number };
  readonly log: Log;
}

/** Opens the local run, and sends it when there is a server for it. Rejects with what the file system throws. */
export async function openSession(plan: SessionPlan): Promise<Session> {
  const { directory, options, log } = plan;
  const server = await serverOf(plan);
  const folder = join(directory, LOCAL_RUNS);
  const local = await openLocalRun(folder, runInfo(plan), plan.steps, server === null ? "offline" : "online");
  const recording = createRecording(local, plan.times);
  const delivery = server === null ? null : deliver(plan, local, server);
  const settled = (bytes: number): void => delivery?.settled(bytes);
  const artifactOf = (checkpoint: string) =>
    modelArtifact(local.run, join(directory, CHECKPOINTS_FOLDER, checkpoint), ["latest", checkpoint]).catch((error) => {
      log.warn(`W&B: checkpoint ${checkpoint} is not stored (${wordsOf(error)}).`);
      return null;
    });
  let end: { readonly bytes: number; readonly rows: number } | undefined;
  return {
    rowsBefore: local.run.rowsBefore + local.rows,
    add: recording.add,
    flush: async () => settled(await recording.flush()),
    media: async (items) => settled(await recording.media(items)),
    async end(exitCode, checkpoint) {
      const artifact = checkpoint === null ? null : await artifactOf(checkpoint);
      end = await recording.finish(exitCode, artifact);
      await local.close();
    },
    async arrival() {
      if (delivery === null || end === undefined) return;
      const arrived = await delivery.finish(end.bytes, end.rows, options.drainSeconds * 1000);
      if (arrived) await local.markSynced().catch((error) => log.warn(`W&B: not marked as sent (${wordsOf(error)}).`));
    },
    async close() {
      await delivery?.stop();
      await local.close();
    },
  };
}

const runInfo = ({ id, chosen, config, before, times }: SessionPlan): RunInfo => ({
  ...chosen,
  id,
  config: new Map(Object.entries(config).map(([key, value]) => [key, valueText(value)])),
  startedAt_ms: times.began_ms,
  rowsBefore: before,
});

/** The server to send to; null for none, which the person is told of where one was meant. */
async function serverOf({ directory, chosen, log }: SessionPlan): Promise<Server | null> {
  if (chosen.mode !== "online") return null;
  const apiKey = await findApiKey(process.env, chosen.baseUrl);
  if (apiKey !== null) return { baseUrl: chosen.baseUrl, apiKey, deadline_ms: REQUEST_DEADLINE_MS };
  log.warn(`W&B: no API key in WANDB_API_KEY or from wandb login, so the run stays here. ${sendLater(directory)}`);
  return null;
}

function deliver({ directory, options, log }: SessionPlan, local: LocalRun, server: Server): Delivery {
  const { folder, file, run, rows } = local;
  const data = { server, transport: options.transport, run, folder, file, rowsKept: rows };
  return startDelivery(data, sendLater(directory), log);
}
