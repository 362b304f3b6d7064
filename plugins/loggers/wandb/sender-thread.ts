import { parentPort, workerData } from "node:worker_threads";
import { wordsOf } from "./errors.ts";
import type { Server } from "./http.ts";
import { openLogReader } from "./log-reader.ts";
import type { RunInfo } from "./records.ts";
import { createSdkTransport } from "./sdk-transport.ts";
import { startSender, type Told, usualTiming } from "./sender.ts";
import { createClientTransport } from "./transport.ts";

/** What the thread that sends a run is started with. */
export interface ThreadData {
  readonly server: Server;
  readonly transport: "client" | "sdk";
  readonly run: RunInfo;
  /** The local run's. */
  readonly folder: string;
  readonly file: string;
  readonly rowsKept: number;
}

export interface Settled {
  readonly bytes: number;
  readonly ending: boolean;
}

export type ThreadTold = Told | { readonly kind: "notice"; readonly text: string } | Ended;
export interface Ended {
  readonly kind: "ended";
  /** What kept the run from arriving whole; null when it has. */
  readonly problem: string | null;
}

const { server, transport: kind, run, folder, file, rowsKept } = workerData as ThreadData;
const tell = (told: ThreadTold): void => parentPort!.postMessage(told);

const waiting: Settled[] = [];
let settle = (message: Settled): void => void waiting.push(message);
parentPort!.on("message", (message: Settled) => settle(message));

try {
  const transport =
    kind === "client"
      ? createClientTransport(server, folder)
      : await createSdkTransport(server, folder, (text) => tell({ kind: "notice", text }));
  const source = { run, log: await openLogReader(file), rowsKept };
  const sender = startSender(source, transport, tell, usualTiming);
  settle = ({ bytes, ending }) => sender.settled(bytes, ending);
  for (const message of waiting) settle(message);
  await sender.done;
  tell({ kind: "ended", problem: null });
} catch (error) {
  tell({ kind: "ended", problem: wordsOf(error) });
}
