import { wandbErrors } from "./errors.ts";
import { objectText } from "./extended-json.ts";
import { messageIn, postJson, type Server } from "./http.ts";
import type { RunInfo } from "./records.ts";

/** Where a run is on the server. */
export interface RemoteRun {
  readonly entity: string;
  readonly project: string;
  readonly id: string;
  /** Rows of history it has. */
  readonly rows: number;
}

/** A stretch of a run's history. Sent again, it takes its own place again. */
export interface Stretch {
  /** Row of the first line. */
  readonly first: number;
  /** Rows as extended JSON. */
  readonly lines: readonly string[];
  /** The summary after the last of them. */
  readonly summary: string;
}

/** Runs a GraphQL operation. Rejects like `postJson`, and with MF_WANDB_REFUSED where the answer holds errors. */
export async function graphql<T>(server: Server, query: string, variables: object): Promise<T> {
  const answer = await postJson(server, "/graphql", JSON.stringify({ query, variables }));
  const { data } = answer as { data?: T | null };
  const said = messageIn(JSON.stringify(answer));
  if (said === null && data !== undefined && data !== null) return data;
  const problem = `refused the request: ${said ?? "it answered without data"}`;
  throw wandbErrors.MF_WANDB_REFUSED({ url: server.baseUrl, problem });
}

const UPSERT = `mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String,
  $displayName: String, $notes: String, $config: JSONString, $tags: [String!]) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, groupName: $groupName,
    displayName: $displayName, notes: $notes, config: $config, tags: $tags}) {
    bucket { id name historyLineCount project { name entity { name } } }
  }
}`;

interface Upserted {
  readonly upsertBucket: {
    readonly bucket: {
      readonly name: string;
      readonly historyLineCount: number | null;
      readonly project: { readonly name: string; readonly entity: { readonly name: string } };
    };
  };
}

/** Makes the run on the server, or finds it there. */
export async function upsertRun(server: Server, run: RunInfo): Promise<RemoteRun> {
  const { upsertBucket } = await graphql<Upserted>(server, UPSERT, {
    name: run.id,
    project: run.project,
    entity: run.entity,
    groupName: run.group,
    displayName: run.name,
    notes: run.notes,
    config: configText(run),
    tags: run.tags,
  });
  const { name, historyLineCount, project } = upsertBucket.bucket;
  return { id: name, project: project.name, entity: project.entity.name, rows: historyLineCount ?? 0 };
}

/** As W&B's core writes it: every value in an object, and its own data, without which a run counts as not yet begun. */
export const configText = ({ config }: RunInfo): string =>
  objectText([
    ...Array.from(config, ([key, text]) => [key, `{"value":${text}}`] as const),
    ["_wandb", '{"value":{"m":[],"t":{}}}'],
  ]);

const COUNT = `query RunRows($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) { bucket(name: $name, missingOk: true) { historyLineCount } }
}`;

/** How many rows of the run the server has. */
export async function countRows(server: Server, { entity, project, id }: RemoteRun): Promise<number> {
  const { model } = await graphql<{ model: { bucket: { historyLineCount: number | null } | null } | null }>(
    server,
    COUNT,
    { entity, project, name: id },
  );
  return model?.bucket?.historyLineCount ?? 0;
}

export const sendRows = (server: Server, run: RemoteRun, { first, lines, summary }: Stretch): Promise<unknown> =>
  stream(server, run, {
    files: {
      "wandb-history.jsonl": { offset: first, content: lines },
      "wandb-summary.json": { offset: 0, content: [summary] },
    },
  });

/** Tells that these files, which were stored, belong to the run. */
export const sendUploaded = (server: Server, run: RemoteRun, uploaded: readonly string[]): Promise<unknown> =>
  stream(server, run, { uploaded });

/** Tells that the run is alive. */
export const sendHeartbeat = (server: Server, run: RemoteRun): Promise<unknown> => stream(server, run, {});

export const sendExit = (server: Server, run: RemoteRun, exitcode: number): Promise<unknown> =>
  stream(server, run, { complete: true, exitcode });

const stream = (server: Server, { entity, project, id }: RemoteRun, body: object): Promise<unknown> => {
  const path = [entity, project, id].map(encodeURIComponent).join("/");
  return postJson(server, `/files/${path}/file_stream`, JSON.stringify(body));
};

/** The run's page. The public server answers under another name than its pages. */
export function pageOf({ baseUrl }: Server, { entity, project, id }: RemoteRun): string {
  const path = [entity, project, "runs", id].map(encodeURIComponent).join("/");
  return `${baseUrl.replace("://api.wandb.ai", "://wandb.ai")}/${path}`;
}
