import type { Json } from "./json.ts";

/** Host-side time: how much has been done. Plain numbers, which never enter the step but as declared scalars. */
export interface Clock {
  /** Optimizer steps, skipped ones included. */
  readonly steps: number;
  /** Steps whose update was discarded because a loss or gradient was not finite. */
  readonly skipped: number;
  /** Batches fed; `accumulate` of them make a step. */
  readonly batches: number;
  readonly samples: number;
  /** Passes over the data that are complete; 0 for endless data. */
  readonly epochs: number;
}

export const clockAtStart: Clock = Object.freeze({ steps: 0, skipped: 0, batches: 0, samples: 0, epochs: 0 });

export interface RunStart {
  readonly clock: Clock;
  /** The checkpoint this run continues from. */
  readonly resumedFrom: string | null;
}

export interface StepReport {
  readonly clock: Clock;
  /** True when the update was discarded because a loss or gradient was not finite. */
  readonly skipped: boolean;
  /** Reads the step's metrics from the device. It waits for the device: call it on an interval. Same tick only. */
  read(): Record<string, number>;
  /** Reads what the step exposed, flat, by name; waits likewise. Same tick only: a copy outlives it. */
  readExposed(): Record<string, ArrayLike<number>>;
}

export interface ValidationReport {
  readonly clock: Clock;
  /** By full name: `val/position_error_mm`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Pictures of what the model has learned so far: SVG texts by file name. Rejects with MF_RENDER_NONE where nothing draws any. */
  render(): Promise<Record<string, string>>;
}

/** A checkpoint about to be written. Observers may mark it and say what to keep; the loop writes and deletes. */
export interface CheckpointDraft {
  readonly name: string;
  readonly clock: Clock;
  /** Why it is written: every tag given to `requestCheckpoint` since the last one. */
  readonly tags: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Points `best` at this checkpoint. */
  markBest(metric: string, value: number): void;
  /** After writing, deletes all but the newest `last` and the best. */
  keepLast(last: number): void;
}

export type Outcome = "completed" | "stopped" | "interrupted" | "failed";

export interface RunSummary {
  readonly outcome: Outcome;
  /** Why it ended, in words: "reached 2000 steps", a plugin's stop reason, an error. */
  readonly reason: string;
  readonly clock: Clock;
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly baselines: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly error?: unknown;
}

/** The run as a plugin sees it. */
export interface Run {
  readonly name: string;
  readonly clock: Clock;
  /** The run's folder; null when nothing is written (tests, benchmarks). */
  readonly directory: string | null;
  /** Index of this worker among those that train together; only rank 0 writes. */
  readonly rank: number;
  /** Asks the loop to stop after this step. The first reason wins and is saved in the checkpoint. */
  requestStop(reason: string): void;
  /** Asks the loop to write a checkpoint after this step. */
  requestCheckpoint(tag: string): void;
  requestValidation(): void;
}

/** The run's settings that plugins may need: resolved, read-only. */
export interface RunSettings {
  readonly seed: number;
  /** Optimizer steps to train; null when limited by epochs or only by a stop request. */
  readonly steps: number | null;
  readonly epochs: number | null;
  /** Samples of a micro-batch; a step sees `batchSize · accumulate` samples. */
  readonly batchSize: number;
  readonly accumulate: number;
  /** The optimizer's peak learning rate. */
  readonly learningRate: number;
  /** The resolved configuration as plain data, for loggers. */
  readonly config: Json;
}
