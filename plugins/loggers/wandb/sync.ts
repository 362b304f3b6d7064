import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../../core/plugin.ts";
import { pageOf, type RemoteRun } from "./client.ts";
import { FILE_HEADER, unframe } from "./datastore.ts";
import { wandbErrors } from "./errors.ts";
import { REQUEST_DEADLINE_MS } from "./http.ts";
import { LOCAL_RUNS, listLocalRuns, markSynced } from "./local-run.ts";
import { openLogReader } from "./log-reader.ts";
import { decodeRecord, type RunInfo } from "./records.ts";
import { startSender, usualTiming } from "./sender.ts";
import { baseUrlOf, type Environment, findApiKey } from "./settings.ts";
import { createClientTransport } from "./transport.ts";

export interface Synced {
  /** The run's page. */
  readonly page: string;
  /** Rows of history that the local run has. */
  readonly rows: number;
  /** Files and artifacts that the server did not take. */
  readonly leftOut: readonly string[];
}

/**
 * Sends the local runs of a run's folder, whatever part of them the server has. `env` holds W&B's variables; `log` is
 * told of delays. Rejects with
 * MF_WANDB_NONE, MF_WANDB_KEY, MF_WANDB_UNREACHABLE and MF_WANDB_REFUSED.
 */
export async function syncRun(directory: string, env: Environment, log: Log): Promise<Synced[]> {
  const found = await listLocalRuns(join(directory, LOCAL_RUNS));
  if (found.length === 0) throw wandbErrors.MF_WANDB_NONE({ path: directory });
  const baseUrl = baseUrlOf(env);
  const apiKey = await findApiKey(env, baseUrl);
  if (apiKey === null) throw wandbErrors.MF_WANDB_KEY({ baseUrl });
  const synced: Synced[] = [];
  const server = { baseUrl, apiKey, deadline_ms: REQUEST_DEADLINE_MS };
  for (const { folder, file } of found) {
    const { run, rows, end } = await look(file);
    let remote: RemoteRun | undefined;
    const leftOut: string[] = [];
    const source = { run, log: await openLogReader(file), rowsKept: 0 };
    const sender = startSender(
      source,
      createClientTransport(server, folder),
      (told) => {
        if (told.kind === "opened") remote = told.remote;
        if (told.kind === "left-out") leftOut.push(told.problem);
        if (told.kind === "trouble") log.info(`${told.problem} Trying again.`);
      },
      usualTiming,
    );
    sender.settled(end, true);
    await sender.done;
    await markSynced(file);
    synced.push({ page: pageOf(server, remote!), rows, leftOut });
  }
  return synced;
}

/** What a file is of, and where its last whole record ends. Rejects with MF_WANDB_LOCAL for one without a run. */
async function look(path: string): Promise<{ run: RunInfo; rows: number; end: number }> {
  const bytes = await readFile(path);
  let run: RunInfo | undefined;
  let rows = 0;
  let end = FILE_HEADER.length;
  for (const framed of unframe(bytes.subarray(end), end)) {
    const record = decodeRecord(framed.payload);
    if (record?.kind === "run") run = record.run;
    if (record?.kind === "history") rows += 1;
    end = framed.end;
  }
  if (run === undefined) throw wandbErrors.MF_WANDB_LOCAL({ path });
  return { run, rows, end };
}
