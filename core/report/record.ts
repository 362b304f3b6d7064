import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { readBest } from "../checkpoint/best.ts";
import { type CheckpointEntry, listCheckpoints } from "../checkpoint/store.ts";
import { errors } from "../errors.ts";
import type { Json } from "../json.ts";
import type { Media } from "../metrics/media.ts";
import type { Outcome } from "../run.ts";
import { exists, type RunFolder, trainingProcess } from "../run-folder.ts";
import { type Curves, curvesOf, type MetricRow } from "./curves.ts";
import { nowhere, type Place, readLines } from "./tail.ts";

/** Values by metric name; null for one that was not finite. */
export type Values = Readonly<Record<string, number | null>>;

/** What a run's folder says beside its metrics. */
export interface RunStatus {
  /** `killed` has ended without saying how. */
  readonly state: "training" | "killed" | Outcome;
  /** Why it ended. */
  readonly reason: string | null;
  readonly preset: string | null;
  /** Optimizer steps of the newest checkpoint, or of the end. */
  readonly steps: number;
  readonly plannedSteps: number | null;
  readonly seconds: number | null;
  /** Numbers that are trained. */
  readonly parameters: number | null;
  readonly best: { readonly checkpoint: string; readonly metric: string; readonly value: number } | null;
  /** Of the last validation. */
  readonly metrics: Values;
  /** By method. */
  readonly baselines: Readonly<Record<string, Values>>;
  /** Where it was trained. */
  readonly environment: Json;
  readonly config: Json;
}

/** Where the reading of a run's files goes on. */
export interface Places {
  readonly metrics: Place;
  readonly media: Place;
}

/** What a run has written since the last look. */
export interface RunNews {
  readonly status: RunStatus;
  readonly curves: Curves;
  readonly media: readonly Media[];
  /** True when `curves` and `media` are all there are, and what was read before is void. */
  readonly restarted: boolean;
  readonly places: Places;
}

export const fromTheStart: Places = { metrics: nowhere, media: nowhere };

/**
 * Reads a run's folder from `places` on, also while it trains: half a line, or a file that is not there yet, is no error.
 * Throws MF_FILE_MISSING for a folder that holds no run.
 */
export async function readRun(folder: RunFolder, places: Places = fromTheStart): Promise<RunNews> {
  const config = await readObject(join(folder.path, "config.json"));
  if (config === null && !(await exists(folder.checkpoints))) {
    throw errors.MF_FILE_MISSING({ what: "Run", path: folder.path });
  }
  const [metrics, media] = await Promise.all([
    readLines<MetricRow>(join(folder.path, "metrics.jsonl"), places.metrics),
    readLines<MediaLine>(join(folder.path, "media.jsonl"), places.media),
  ]);
  // A resumed run cuts both.
  if (metrics.restarted || media.restarted) return { ...(await readRun(folder)), restarted: true };
  return {
    status: await readStatus(folder, config ?? {}),
    curves: curvesOf(metrics.lines.filter(({ step }) => Number.isFinite(step))),
    media: await withPictures(folder, media.lines),
    restarted: false,
    places: { metrics: metrics.place, media: media.place },
  };
}

/** A line of `media.jsonl`: an item, or a picture by the file it is in. */
type MediaLine =
  | Media
  | { readonly kind: "image"; readonly name: string; readonly step: number; readonly file: string };

async function withPictures(folder: RunFolder, lines: readonly MediaLine[]): Promise<Media[]> {
  const items: Media[] = [];
  for (const line of lines) {
    if (!("file" in line)) {
      items.push(line);
      continue;
    }
    const { file, ...rest } = line;
    const svg = await readFile(join(folder.path, file), "utf8").catch(() => null);
    if (svg !== null) items.push({ epoch: 0, ...rest, svg });
  }
  return items;
}

/** What a run's folder says beside its metrics; null for a folder that holds no run. */
export async function runStatus(folder: RunFolder): Promise<RunStatus | null> {
  const config = await readObject(join(folder.path, "config.json"));
  return config === null && (await newestCheckpoint(folder)) === null ? null : readStatus(folder, config ?? {});
}

async function readStatus(folder: RunFolder, config: Readonly<Record<string, Json>>): Promise<RunStatus> {
  const training = (await trainingProcess(folder)) !== null;
  const summary = await readObject(join(folder.path, "summary.json"));
  // Until training is under way again, it is that of the process before.
  const ended = training ? null : summary;
  const newest = await newestCheckpoint(folder);
  const clock = (ended?.["clock"] ?? newest?.clock ?? {}) as Readonly<Record<string, number>>;
  const planned = (config["train"] as Readonly<Record<string, Json>> | undefined)?.["steps"];
  return {
    state: training ? "training" : ((ended?.["outcome"] ?? "killed") as Outcome),
    reason: (ended?.["reason"] ?? null) as string | null,
    preset: (config["preset"] ?? newest?.preset ?? null) as string | null,
    steps: clock["steps"] ?? 0,
    plannedSteps: typeof planned === "number" ? planned : null,
    seconds: (ended?.["seconds"] ?? null) as number | null,
    parameters: newest === null ? null : parameterCount(newest.tensors.entries),
    best: await readBest(folder.checkpoints).catch(() => null),
    metrics: (ended?.["metrics"] ?? newest?.metrics ?? {}) as Values,
    baselines: (summary?.["baselines"] ?? {}) as RunStatus["baselines"],
    environment: newest?.environment ?? {},
    config,
  };
}

async function newestCheckpoint({ checkpoints }: RunFolder): Promise<CheckpointEntry["manifest"]> {
  const entries = (await exists(checkpoints)) ? await listCheckpoints(checkpoints) : [];
  return entries.find(({ manifest }) => manifest !== null)?.manifest ?? null;
}

function parameterCount(entries: Readonly<Record<string, { readonly shape: readonly number[] }>>): number {
  const trained = Object.entries(entries).filter(([path]) => path.startsWith("params/"));
  return trained.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Null for a file that is not there, or that its writer, killed in between, left without a JSON object. */
async function readObject(path: string): Promise<Record<string, Json> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" ? (value as Record<string, Json> | null) : null;
  } catch {
    return null;
  }
}

/** A text that changes when a run has written anything. */
export async function stamp({ path, checkpoints }: RunFolder): Promise<string> {
  const names = ["metrics.jsonl", "media.jsonl", "config.json", "summary.json", "lock"].map((name) => join(path, name));
  const stats = await Promise.all([...names, checkpoints].map((name) => stat(name).catch(() => null)));
  return stats.map((found) => (found === null ? "-" : `${found.ino}.${found.size}.${found.mtimeMs}`)).join();
}
