import type { default as Wandb } from "@wandb/sdk";
import { configText, countRows, type Stretch } from "./client.ts";
import { wandbErrors } from "./errors.ts";
import type { Server } from "./http.ts";
import type { RunInfo } from "./records.ts";
import type { Transport } from "./sender.ts";
import { createClientTransport } from "./transport.ts";

type Run = Awaited<ReturnType<(typeof Wandb)["init"]>>;
type Data = Record<string, unknown>;

/** The part of the SDK's insides that says what it still holds, and where its next row goes. */
interface Stream {
  readonly queue: { isEmpty(): boolean };
  readonly lastChunks: Record<"wandb-history.jsonl" | "wandb-summary.json", { offset: number; data: Data }>;
  sendRecords(): Promise<number>;
}

/**
 * Rows go through @wandb/sdk, all else through our own client, which also counts what arrived and sends what did not.
 * The SDK retries nothing, hides errors, starts a resumed run at row 0, and throws where nobody can catch it; so this
 * lives in a thread of its own, and where the SDK fails the client takes over. `notice` is told, once.
 * Rejects with MF_WANDB_SDK where the package is not installed.
 */
export async function createSdkTransport(
  server: Server,
  folder: string,
  notice: (problem: string) => void,
): Promise<Transport> {
  const { default: wandb } = await import("@wandb/sdk").catch((cause: Error) => {
    throw wandbErrors.MF_WANDB_SDK({ problem: cause.message }, { cause });
  });
  const client = createClientTransport(server, folder);
  let sdk: Run | null = null;
  let failed = false;
  const fail = (problem: string): void => {
    if (!failed) notice(`@wandb/sdk ${problem}; MotionForge's own client sends the run.`);
    failed = true;
  };
  process.on("uncaughtException", (error) => fail(`threw "${error.message}"`));
  /** What the SDK does, but not for longer than a request may take. */
  const within = async <T>(what: string, promise: Promise<T>): Promise<T | null> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), server.deadline_ms);
    });
    const result = await Promise.race([promise, late]).catch((error: Error) => {
      fail(`failed to ${what} (${error.message})`);
      return null;
    });
    clearTimeout(timer);
    if (result === null) fail(`did not ${what} within ${Math.round(server.deadline_ms / 1000)} s`);
    return result;
  };
  return {
    ...client,
    async open(run) {
      const remote = await client.open(run);
      sdk ??= await within("start", wandb.init(initOptions(server, { ...run, entity: remote.entity })));
      return remote;
    },
    async rows(remote, stretch) {
      const rows = stretch.lines.map(parse);
      // JSON cannot say NaN, and the SDK speaks nothing else; of rows that the server had before, a count tells nothing.
      const isForClient = rows.includes(null) || stretch.first < remote.rows;
      if (sdk === null || failed || isForClient) return client.rows(remote, stretch);
      await within("send rows", log(sdk, stretch, rows as Data[]));
      const arrived = Math.max(0, (await countRows(server, remote)) - stretch.first);
      if (arrived >= rows.length) return;
      await client.rows(remote, { ...stretch, first: stretch.first + arrived, lines: stretch.lines.slice(arrived) });
    },
  };
}

const initOptions = ({ apiKey, baseUrl }: Server, run: RunInfo) => ({
  id: run.id,
  project: run.project,
  entity: run.entity ?? "",
  name: run.name,
  // As W&B's core has it; the SDK sends what it gets.
  config: (parse(configText(run)) ?? {}) as Data,
  settings: { apiKey, baseUrl, silent: true, offline: false },
});

/** Logs rows at their place, and waits until the SDK holds none. Resolves with true. */
async function log(sdk: Run, { first, summary }: Stretch, rows: readonly Data[]): Promise<true> {
  const { sender } = (sdk as unknown as { _messenger: { sender: { queue: Stream["queue"]; filestream: Stream } } })
    ._messenger;
  const { filestream } = sender;
  filestream.lastChunks["wandb-history.jsonl"].offset = first;
  filestream.lastChunks["wandb-summary.json"].data = parse(summary) ?? {};
  for (const row of rows) sdk.log(row, row["_step"] as number);
  do {
    await filestream.sendRecords();
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (!sender.queue.isEmpty() || !filestream.queue.isEmpty());
  return true;
}

function parse(text: string): Data | null {
  try {
    return JSON.parse(text) as Data;
  } catch {
    return null;
  }
}
