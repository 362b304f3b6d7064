import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { numberText } from "./extended-json.ts";
import type { Row, Values } from "./records.ts";

/** What W&B calls the run's history: a row for every step, all that the step recorded in it. */
export interface History {
  add(points: readonly MetricPoint[]): void;
  /** A value that is text already, for what is no number. */
  put(step: number, key: string, text: string): void;
  /** Rows that are complete since the last call, and the one that may still grow. */
  take(): { readonly complete: readonly Row[]; readonly open: Row | null };
  /** The latest value of everything. */
  readonly summary: Values;
}

export interface HistoryStart {
  /** The last that gets no more values. */
  readonly step: number;
  readonly summary: Values;
  /** Seconds of training before. */
  readonly runtime_s: number;
}

/** When things were recorded, which is before they are written. Milliseconds since 1970. */
export interface Times {
  readonly began_ms: number;
  /** The first time that something of a step was recorded. Asked in the order of the steps. */
  of(step: number): number;
}

/**
 * Collects points in rows. Steps only grow: what comes late, when its step's row is complete, joins the row that is
 * open.
 */
export function createHistory(start: HistoryStart, times: Times): History {
  const summary = new Map(start.summary);
  let complete: Row[] = [];
  let open: { step: number; values: Map<string, string> } | null = null;

  const rowOf = (step: number): Map<string, string> => {
    if (open !== null && step <= open.step) return open.values;
    if (open !== null) complete.push(open);
    const time_ms = times.of(step);
    open = { step: Math.max(step, start.step + 1), values: new Map() };
    for (const [key, value] of [
      ["_step", open.step],
      ["_runtime", start.runtime_s + (time_ms - times.began_ms) / 1000],
      ["_timestamp", time_ms / 1000],
    ] as const) {
      write(open.values, key, numberText(value));
    }
    return open.values;
  };
  const write = (values: Map<string, string>, key: string, text: string): void => {
    values.set(key, text);
    summary.set(key, text);
  };
  return {
    summary,
    add(points) {
      for (const { name, value, step, epoch } of points) {
        const values = rowOf(step);
        write(values, "epoch", numberText(epoch));
        write(values, name, numberText(value));
      }
    },
    put: (step, key, text) => write(rowOf(step), key, text),
    take() {
      const taken = complete;
      complete = [];
      return { complete: taken, open };
    },
  };
}

/** What is known of rows as soon as they are recorded, where writing them takes its time. */
export interface Recorded {
  /** How many rows there are once all that was recorded is written. */
  readonly rows: number;
  readonly times: Times;
  /** There are so many rows before those that are seen. */
  startWith(rows: number): void;
  /** What is seen from now on belongs to later steps. */
  begin(steps: number): void;
  see(recorded: { readonly step: number }): void;
}

const MOST_WAITING = 100_000;

/** `now` in milliseconds since 1970. */
export function createRecorded(now: () => number): Recorded {
  let before = 0;
  let since = 0;
  let last = -1;
  let began_ms = now();
  const times = new Map<number, number>();
  return {
    get rows() {
      return before + since;
    },
    times: {
      get began_ms() {
        return began_ms;
      },
      of(step) {
        const time = times.get(step) ?? now();
        for (const earlier of times.keys()) {
          if (earlier > step) break;
          times.delete(earlier);
        }
        return time;
      },
    },
    startWith(rows) {
      before = rows;
    },
    begin(steps) {
      last = stepBefore(steps);
      began_ms = now();
    },
    see({ step }) {
      if (step <= last) return;
      last = step;
      since += 1;
      // A sink that has more waiting is dropped, and nobody asks for their times.
      if (times.size === MOST_WAITING) times.clear();
      times.set(step, now());
    },
  };
}

/** The last step whose row is complete when a run begins after `steps` steps; a new run may still record step 0. */
export const stepBefore = (steps: number): number => (steps === 0 ? -1 : steps);
