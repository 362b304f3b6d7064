import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** How the server behaves: an HTTP status, or a fault of the network; "mute" takes what it is sent and does not say so. */
export type Behaviour = "ok" | 401 | 403 | 500 | 429 | "drop" | "hang" | "slow" | "garbage" | "mute";

export interface FakeRun {
  readonly id: string;
  project: string;
  entity: string;
  /** What it was made with. */
  upsert: Record<string, unknown>;
  upserts: number;
  /** Lines by their row, as the real server keeps them: one sent again takes its own place. */
  readonly history: string[];
  summary: string | null;
  readonly uploaded: string[];
  exitcode: number | null;
  heartbeats: number;
}

export interface FakeArtifact {
  readonly input: Record<string, unknown>;
  state: "PENDING" | "COMMITTED";
}

export interface FakeWandb {
  readonly url: string;
  behaviour: Behaviour;
  /** Of one GraphQL operation, by its name; a function is given how often it was asked. */
  readonly faults: Map<string, Behaviour | ((request: number) => Behaviour)>;
  readonly runs: Map<string, FakeRun>;
  readonly artifacts: FakeArtifact[];
  /** Files that were stored, by name. */
  readonly stored: Map<string, Buffer>;
  /** Authorization headers that came, once each. */
  readonly authorizations: Set<string>;
  /** GraphQL operations, by name: how often each was asked. */
  readonly asked: Map<string, number>;
  /** User agents that came. */
  readonly agents: Set<string>;
  requests: number;
  /** Ends all connections and refuses new ones until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** As much of a W&B server as its clients need, on loopback. */
export async function fakeWandb(behaviour: Behaviour = "ok"): Promise<FakeWandb> {
  const server = createServer((request, response) => {
    answer(fake, request, response).catch((error: Error) => {
      // The client went away.
      if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
    });
  });
  let port = 0;
  const fake: FakeWandb = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    behaviour,
    runs: new Map(),
    artifacts: [],
    stored: new Map(),
    authorizations: new Set(),
    agents: new Set(),
    faults: new Map(),
    asked: new Map(),
    requests: 0,
    async start() {
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      port = (server.address() as AddressInfo).port;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  await fake.start();
  return fake;
}

async function answer(fake: FakeWandb, request: IncomingMessage, response: ServerResponse): Promise<void> {
  fake.requests += 1;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
  const url = decodeURIComponent(request.url ?? "");
  const query = url === "/graphql" ? (JSON.parse(String(body)) as Query) : null;
  const behaviour = query === null ? fake.behaviour : behaviourOf(fake, operationOf(query));
  switch (behaviour) {
    case "drop":
      return void request.socket.destroy();
    case "hang":
      return;
    case "garbage":
      return void response.end("<html>a proxy's page</html>");
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, 500));
  }
  response.setHeader("content-type", "application/json");
  if (typeof behaviour === "number") {
    response.statusCode = behaviour;
    return void response.end(JSON.stringify({ errors: [{ message: `the server is told to answer ${behaviour}` }] }));
  }
  if (request.headers.authorization !== undefined) fake.authorizations.add(request.headers.authorization);
  fake.agents.add(request.headers["user-agent"] ?? "");
  if (request.method === "PUT") {
    fake.stored.set(url.slice("/storage/".length), body);
    return void response.end();
  }
  if (query === null && !url.endsWith("/file_stream")) {
    // W&B's own clients also send telemetry.
    response.statusCode = 404;
    return void response.end();
  }
  const result = query === null ? stream(fake, url, JSON.parse(String(body)) as StreamBody) : graphql(fake, query);
  if (behaviour === "mute") return void request.socket.destroy();
  response.end(JSON.stringify(result));
}

const operationOf = ({ query }: Query): string => /\{\s*(\w+)/.exec(query)?.[1] ?? "";

function behaviourOf(fake: FakeWandb, operation: string): Behaviour {
  const asked = (fake.asked.get(operation) ?? 0) + 1;
  fake.asked.set(operation, asked);
  const fault = fake.faults.get(operation);
  return (typeof fault === "function" ? fault(asked) : fault) ?? fake.behaviour;
}

interface Query {
  readonly query: string;
  readonly variables: Variables;
}

/** What operations are given, all in one: each has some. */
interface Variables {
  readonly name: string;
  readonly files: readonly string[];
  readonly artifactID: string;
  readonly input: Record<string, unknown> & {
    readonly artifactFiles: readonly { readonly name: string; readonly artifactID: string }[];
  };
}

function graphql(fake: FakeWandb, query: Query): object {
  const { variables } = query;
  const operation = operationOf(query);
  const upload = (name: string): string => `${fake.url}/storage/${encodeURIComponent(name)}`;
  switch (operation) {
    case "viewer":
      return { data: { viewer: { id: "v", entity: "me", username: "me", flags: "{}", teams: { edges: [] } } } };
    case "upsertBucket":
      return { data: { upsertBucket: { bucket: upsert(fake, variables), inserted: true } } };
    case "model": {
      const { name } = variables;
      const run = fake.runs.get(name);
      return { data: { model: { bucket: run === undefined ? null : bucketOf(run) } } };
    }
    case "serverInfo":
      return { data: { serverInfo: { features: [] } } };
    case "createRunFiles": {
      const { files } = variables;
      const made = files.map((name) => ({ name, uploadUrl: upload(name) }));
      return { data: { createRunFiles: { runID: "r", uploadHeaders: ["x-test:1"], files: made } } };
    }
    case "createArtifact": {
      const { input } = variables;
      const isThere = ({ input: other, state }: FakeArtifact): boolean =>
        state === "COMMITTED" && other["digest"] === input["digest"];
      const state = fake.artifacts.some(isThere) ? "COMMITTED" : "PENDING";
      fake.artifacts.push({ input, state });
      const id = `artifact-${fake.artifacts.length - 1}`;
      return { data: { createArtifact: { artifact: { id, state, artifactSequence: { latestArtifact: null } } } } };
    }
    case "createArtifactManifest": {
      const file = { id: "f", uploadUrl: upload("wandb_manifest.json"), uploadHeaders: null };
      return { data: { createArtifactManifest: { artifactManifest: { id: "m", file } } } };
    }
    case "createArtifactFiles": {
      const { artifactFiles } = variables.input;
      const edges = artifactFiles.map(({ name, artifactID }) => ({
        node: { uploadUrl: upload(name), uploadHeaders: [], storagePath: name, artifact: { id: artifactID } },
      }));
      return { data: { createArtifactFiles: { files: { edges } } } };
    }
    case "commitArtifact": {
      const { artifactID } = variables;
      fake.artifacts[Number(artifactID.split("-")[1])]!.state = "COMMITTED";
      return { data: { commitArtifact: { artifact: { id: artifactID, digest: "" } } } };
    }
    default:
      return { data: null, errors: [{ message: `the fake server knows no ${operation}` }] };
  }
}

function upsert(fake: FakeWandb, variables: Variables): object {
  const given = { ...variables } as Record<string, unknown>;
  const id = given["name"] as string;
  const run = fake.runs.get(id) ?? {
    ...{ id, history: [], summary: null, uploaded: [], exitcode: null, heartbeats: 0, upserts: 0 },
    project: (given["project"] as string | undefined) ?? "uncategorized",
    entity: (given["entity"] as string | undefined) || "me",
    upsert: {},
  };
  for (const [key, value] of Object.entries(given)) if (value !== null && value !== undefined) run.upsert[key] = value;
  run.upserts += 1;
  fake.runs.set(id, run);
  return bucketOf(run);
}

const bucketOf = (run: FakeRun): object => ({
  id: `bucket-${run.id}`,
  name: run.id,
  displayName: run.upsert["displayName"],
  config: "{}",
  project: { id: "p", name: run.project, entity: { id: "e", name: run.entity } },
  historyLineCount: run.history.length,
});

interface StreamBody {
  readonly files?: Readonly<Record<string, { readonly offset: number; readonly content: readonly string[] }>>;
  readonly uploaded?: readonly string[];
  readonly complete?: boolean;
  readonly exitcode?: number;
}

function stream(fake: FakeWandb, url: string, body: StreamBody): object {
  const run = fake.runs.get(url.split("/")[4] ?? "");
  if (run === undefined) return { error: "no such run" };
  const history = body.files?.["wandb-history.jsonl"];
  for (const [i, line] of (history?.content ?? []).entries()) run.history[history!.offset + i] = line;
  run.summary = body.files?.["wandb-summary.json"]?.content[0] ?? run.summary;
  run.uploaded.push(...(body.uploaded ?? []));
  if (body.complete === true) run.exitcode = body.exitcode ?? null;
  if (Object.keys(body).length === 0) run.heartbeats += 1;
  return { exitcode: null, limits: {} };
}

/** A row of history, whose numbers may be ones that JSON cannot say. */
export const readLine = (line: string): Record<string, unknown> =>
  JSON.parse(line.replace(/:(NaN|-?Infinity)\b/g, ':"$1"')) as Record<string, unknown>;

export const stepsOf = (run: FakeRun): number[] => Array.from(run.history, (line) => readLine(line)["_step"] as number);
