import { refuseWhileTracing } from "./graph/trace/trace.ts";
import { type Clock, clockAtStart, type Run } from "./run.ts";

/** The loop's side of a `Run`: it sets the clock and collects what plugins ask for. */
export interface RunControl {
  readonly run: Run;
  setClock(clock: Clock): void;
  stopReason(): string | null;
  /** Tags of the checkpoints asked for since the last call. */
  takeCheckpointTags(): readonly string[];
  takeValidation(): boolean;
}

export function createRunControl(name: string, directory: string | null, rank = 0): RunControl {
  let clock = clockAtStart;
  let stop: string | null = null;
  let tags = new Set<string>();
  let validation = false;
  return {
    run: Object.freeze({
      name,
      directory,
      rank,
      get clock() {
        refuseWhileTracing();
        return clock;
      },
      requestStop(reason: string) {
        stop ??= reason;
      },
      requestCheckpoint: (tag: string) => void tags.add(tag),
      requestValidation() {
        validation = true;
      },
    }),
    setClock(next) {
      clock = next;
    },
    stopReason: () => stop,
    takeCheckpointTags() {
      const taken = [...tags];
      tags = new Set();
      return taken;
    },
    takeValidation() {
      const asked = validation;
      validation = false;
      return asked;
    },
  };
}
