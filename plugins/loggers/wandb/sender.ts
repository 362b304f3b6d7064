import { isMfError } from "../../../core/errors.ts";
import type { RemoteRun, Stretch } from "./client.ts";
import { wordsOf } from "./errors.ts";
import type { LogReader } from "./log-reader.ts";
import type { Artifact, RunInfo } from "./records.ts";
import { createStretches } from "./stretches.ts";

/** How a run reaches the server. Every call may be repeated, and rejects with MF_WANDB_UNREACHABLE where it should be. */
export interface Transport {
  /** Makes the run on the server, or finds it there. */
  open(run: RunInfo): Promise<RemoteRun>;
  rows(remote: RemoteRun, stretch: Stretch): Promise<unknown>;
  files(remote: RemoteRun, paths: readonly string[]): Promise<unknown>;
  artifact(remote: RemoteRun, artifact: Artifact): Promise<unknown>;
  heartbeat(remote: RemoteRun): Promise<unknown>;
  exit(remote: RemoteRun, code: number): Promise<unknown>;
}

/** What a sender has to say. */
export type Told =
  | { readonly kind: "opened"; readonly remote: RemoteRun }
  /** The server has the file's rows up to this one. */
  | { readonly kind: "sent"; readonly rows: number }
  /** It will be tried again. */
  | { readonly kind: "trouble"; readonly problem: string }
  /** One file or artifact was refused; the rest is sent. */
  | { readonly kind: "left-out"; readonly problem: string };

export interface Timing {
  /** Between two sends, by how long the run has been sent. */
  interval_ms(elapsed_ms: number): number;
  /** Silence after which the server would take the run for dead is longer. */
  readonly heartbeat_ms: number;
  /** Before the first repetition; it doubles up to the longest. */
  readonly backoff_ms: number;
  readonly longestBackoff_ms: number;
  /** The longest while the run waits for the end. */
  readonly endingBackoff_ms: number;
}

export const usualTiming: Timing = {
  interval_ms: (elapsed_ms) => Math.min(15_000, 2000 + elapsed_ms / 20),
  heartbeat_ms: 30_000,
  backoff_ms: 1000,
  longestBackoff_ms: 60_000,
  endingBackoff_ms: 2000,
};

/** The local copy of a run, to be sent. */
export interface Source {
  readonly run: RunInfo;
  readonly log: LogReader;
  /** Rows at the start of the file that were there before this process, and may be on the server. */
  readonly rowsKept: number;
}

export interface Sender {
  /** So many bytes of the file may be read. After `ending` no more come, and back-off is cut short. */
  settled(bytes: number, ending: boolean): void;
  /** Resolves when everything has arrived; rejects with what keeps it from arriving. */
  readonly done: Promise<void>;
}

/** The exit code that W&B gives a run whose process vanished. */
const KILLED = 1;

/**
 * Sends a run from its local copy, in order, each request repeated until it succeeds: with growing pauses, so that a
 * server that comes back is not stormed. A row's place on the server is its place in the file, so that nothing arrives
 * twice, and a run that was interrupted goes on where the server stopped.
 */
export function startSender(source: Source, transport: Transport, tell: (told: Told) => void, timing: Timing): Sender {
  let readable = 0;
  let ending = false;
  let wake = (): void => {};
  let reached = false;
  let heard = performance.now();

  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const insist = async <T>(request: () => Promise<T>): Promise<T> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await request();
        reached = true;
        heard = performance.now();
        return answer;
      } catch (error) {
        if (!isMfError(error) || error.code !== "MF_WANDB_UNREACHABLE") throw error;
        tell({ kind: "trouble", problem: wordsOf(error) });
        // A server that was never there is not waited for when the run is over.
        if (ending && !reached) throw error;
        await pause(backoff(attempt, error.detail as { after_ms: number | null }));
      }
    }
  };
  /** Doubling, between half and the whole of it, so that runs which failed together do not return together. */
  const backoff = (attempt: number, { after_ms }: { after_ms: number | null }): number => {
    const longest = ending ? timing.endingBackoff_ms : timing.longestBackoff_ms;
    const doubled = Math.min(longest, timing.backoff_ms * 2 ** attempt);
    return Math.max(Math.min(after_ms ?? 0, longest), doubled * (0.5 + Math.random() / 2));
  };
  /** What the server does not want must not keep the rest from it. */
  const leaveOutWhenRefused = async (what: string, request: () => Promise<unknown>): Promise<void> => {
    try {
      await insist(request);
    } catch (error) {
      if (ending && !reached) throw error;
      tell({ kind: "left-out", problem: `${what}: ${wordsOf(error)}` });
    }
  };

  const send = async (): Promise<void> => {
    const { run, log, rowsKept } = source;
    const remote = await insist(() => transport.open(run));
    tell({ kind: "opened", remote });
    const opened = performance.now();
    const base = Math.min(run.rowsBefore, remote.rows);
    const stretches = createStretches(base, Math.min(remote.rows, base + rowsKept));
    const flush = async (): Promise<void> => {
      const { files, stretch } = stretches.take();
      if (files.length > 0) await leaveOutWhenRefused(files.join(", "), () => transport.files(remote, files));
      if (stretch === null) return;
      await insist(() => transport.rows(remote, stretch));
      tell({ kind: "sent", rows: stretch.first + stretch.lines.length - base });
    };
    for (;;) {
      const records = await log.read(readable);
      for (const record of records) {
        stretches.add(record);
        if (stretches.isFull()) await flush();
        if (record.kind === "artifact") {
          await flush();
          await leaveOutWhenRefused(record.artifact.name, () => transport.artifact(remote, record.artifact));
        }
        if (record.kind !== "exit") continue;
        await flush();
        await insist(() => transport.exit(remote, record.code));
        return;
      }
      await flush();
      // A run that was killed has no end.
      if (ending && records.length === 0) return void (await insist(() => transport.exit(remote, KILLED)));
      if (performance.now() - heard >= timing.heartbeat_ms) await insist(() => transport.heartbeat(remote));
      if (!ending) await pause(timing.interval_ms(performance.now() - opened));
    }
  };
  return {
    settled(bytes, isEnding) {
      readable = bytes;
      ending = isEnding;
      if (ending) wake();
    },
    done: send().finally(() => source.log.close()),
  };
}
