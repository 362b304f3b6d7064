import { Worker } from "node:worker_threads";
import type { Log } from "../../../core/plugin.ts";
import { typescriptArguments, workerEntry } from "../../../core/worker-entry.ts";
import { pageOf } from "./client.ts";
import type { Ended, Settled, ThreadData, ThreadTold } from "./sender-thread.ts";

/** A run's way to the server, in a thread of its own, so that nothing there holds up a step. */
export interface Delivery {
  /** So many bytes of the local run may be sent. */
  settled(bytes: number): void;
  /**
   * Waits, at most `milliseconds`, until `bytes`, the whole local run with its `rows`, have arrived; tells the person
   * what has not. Resolves with whether all has. The thread is gone then.
   */
  finish(bytes: number, rows: number, milliseconds: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** The person wonders what a run that is over still does. */
const SILENT_MS = 2000;

/** How the person sends what did not arrive. */
export const sendLater = (directory: string): string => `Send it with: mf wandb sync ${directory}`;

/** Starts the delivery. The person is warned once at most, whatever happens; `later` says what to do then. */
export function startDelivery(data: ThreadData, later: string, log: Log): Delivery {
  const { file, typescript } = workerEntry("sender-thread", import.meta.url);
  const thread = new Worker(file, {
    workerData: data,
    execArgv: typescript ? typescriptArguments() : [],
    // What libraries print there would spoil a document on standard output.
    stdout: true,
    stderr: true,
  });
  thread.stdout.resume();
  thread.stderr.resume();
  thread.unref();
  let sent = 0;
  let warned = false;
  const warn = (message: string): void => {
    if (warned) log.info(message);
    else log.warn(message);
    warned = true;
  };
  let end: (ended: Ended) => void;
  const ended = new Promise<Ended>((resolve) => {
    end = resolve;
  });
  const hear = (told: ThreadTold): void => {
    switch (told.kind) {
      case "opened":
        log.info(`W&B: ${pageOf(data.server, told.remote)}`);
        break;
      case "sent":
        sent = told.rows;
        break;
      case "trouble":
        if (warned) break;
        warn(
          `W&B: ${told.problem} Training goes on; the run is kept in ${data.folder} and sent when that is possible.`,
        );
        break;
      case "left-out":
        warn(`W&B: left out ${told.problem} Training goes on.`);
        break;
      case "notice":
        warn(`W&B: ${told.text}`);
        break;
      case "ended":
        if (told.problem !== null) warn(`W&B: ${told.problem} Training goes on; the run is kept. ${later}`);
        end(told);
    }
  };
  thread.on("message", hear);
  thread.on("error", (error) => hear({ kind: "ended", problem: `sending failed (${error.message}).` }));

  const post = (message: Settled): void => thread.postMessage(message);
  const stop = async (): Promise<void> => void (await thread.terminate());
  return {
    settled: (bytes) => post({ bytes, ending: false }),
    async finish(bytes, rows, milliseconds) {
      post({ bytes, ending: true });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), milliseconds);
      });
      const patience = setTimeout(
        () => log.info(`W&B: waiting for the rest to arrive, ${milliseconds / 1000} s at most.`),
        SILENT_MS,
      );
      const result = await Promise.race([ended, late]);
      clearTimeout(timer);
      clearTimeout(patience);
      await stop();
      if (result === null) warn(`W&B has ${sent} of the run's ${rows} rows. ${later}`);
      return result?.problem === null;
    },
    stop,
  };
}
