import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Assembly, assemble, type Surroundings } from "./assemble.ts";
import { readBest, retain, writeBest } from "./checkpoint/best.ts";
import type { Manifest } from "./checkpoint/manifest.ts";
import { resolveCheckpoint } from "./checkpoint/resolve.ts";
import { restore, snapshot } from "./checkpoint/snapshot.ts";
import {
  type Checkpoint,
  latestUsable,
  listCheckpoints,
  loadCheckpoint,
  removeTemporary,
  saveCheckpoint,
} from "./checkpoint/store.ts";
import type { ResolvedConfig } from "./config/resolve.ts";
import { type ActiveBackend, useBackend } from "./engine/backend.ts";
import { disposeState } from "./engine/eager.ts";
import { openEngine, openPredictor } from "./engine/open.ts";
import { environment } from "./engine/probe.ts";
import { errors } from "./errors.ts";
import { evaluate, measureBaselines, render } from "./evaluation.ts";
import { heldOutLossOf } from "./held-out.ts";
import { predictOf } from "./inference.ts";
import type { Json } from "./json.ts";
import { createMetricStream } from "./metrics/stream.ts";
import type { Log } from "./plugin.ts";
import { clockAtStart, type RunSettings, type RunSummary } from "./run.ts";
import { createRunControl } from "./run-control.ts";
import {
  createRunFolder,
  exists,
  latestRun,
  lockRun,
  type RunFolder,
  runFolder,
  runOf,
  writeJson,
} from "./run-folder.ts";
import type { TrainState } from "./state.ts";
import type { Predict } from "./task.ts";
import { type LoopSettings, type Position, type RunStore, runLoop } from "./trainer.ts";
import type { Tree } from "./tree.ts";

export interface TrainRequest {
  /** The folder that holds runs. */
  readonly runsDirectory: string;
  /** "last" or "best" of the run named in the config (or of the newest run of its preset), a checkpoint, or a run. */
  readonly resume?: string;
  /** Trains on although the run had ended by a stop request. */
  readonly force?: boolean;
  /** Plugins whose saved state is left out on resume. */
  readonly dropState?: readonly string[];
  readonly signal?: AbortSignal;
  readonly log: Log;
}

export interface Trained {
  /** The run's folder. */
  readonly run: string;
  readonly summary: RunSummary;
}

/** Trains a configuration in a run folder, from the start or from a checkpoint. */
export async function train(config: ResolvedConfig, request: TrainRequest): Promise<Trained> {
  const backend = await useBackend(config.backend);
  const prefix = config.preset ?? config.plugins.find((p) => p.provides === "task")?.name ?? "run";
  const resumed = request.resume === undefined ? null : await findCheckpoint(request, config.name, prefix);
  const folder = resumed?.folder ?? (await createRunFolder(request.runsDirectory, config.name, prefix));
  const unlock = await lockRun(folder);
  try {
    return await trainIn(folder, config, request, resumed, backend);
  } catch (error) {
    // A new run that never began (a robot file, a data file that cannot be read) leaves nothing behind.
    if (resumed === null && !(await exists(configFile(folder))))
      await rm(folder.path, { recursive: true, force: true });
    throw error;
  } finally {
    await unlock();
  }
}

interface Found {
  readonly folder: RunFolder;
  readonly checkpoint: Checkpoint;
}

async function findCheckpoint(request: TrainRequest, name: string | null, prefix: string): Promise<Found> {
  const which = request.resume!;
  if (which.includes("/") || which.includes("\\")) {
    const folder = await runOf(which);
    return { folder, checkpoint: await open(folder, folder.path === resolve(which) ? "last" : which, request.log) };
  }
  const named = name === null ? null : runFolder(join(request.runsDirectory, name));
  const folder = named ?? (await latestRun(request.runsDirectory, prefix));
  return { folder, checkpoint: await open(folder, which, request.log) };
}

/** The checkpoint that is meant; for "last" the newest whole one, and a warning for each damaged one after it. */
async function open(folder: RunFolder, which: string, log: Log): Promise<Checkpoint> {
  if (which !== "last") return loadCheckpoint(await resolveCheckpoint(folder.path, which));
  const { damaged, ...checkpoint } = await latestUsable(folder.checkpoints);
  for (const { path, problem } of damaged)
    log.warn(`Checkpoint "${path}" is damaged: ${problem}. Using the one before.`);
  return checkpoint;
}

async function trainIn(
  folder: RunFolder,
  config: ResolvedConfig,
  request: TrainRequest,
  resumed: Found | null,
  backend: ActiveBackend,
): Promise<Trained> {
  const { log } = request;
  await removeTemporary(folder.checkpoints);
  const settings = loopSettings(config);
  const control = createRunControl(folder.name, folder.path);
  const metrics = createMetricStream(log.warn);
  const assembly = assemble(config.plugins, config.optimizer, { run: control.run, settings, metrics, log });
  const dataset = await assembly.task.dataset();
  const start =
    resumed === null ? freshPosition(assembly, settings) : await resume(assembly, resumed, settings, request);
  const engine = await openEngine(config.engine, config.device, log);
  log.info(`Engine: ${engine.description}. Backend: ${backend.description}.`);
  const about = {
    config: config.data,
    preset: config.preset,
    machine: () => ({ ...environment(), backend: backend.description, engine: engine.description }),
  };
  await writeJson(configFile(folder), config.data);

  const { summary, state } = await runLoop({
    assembly,
    engine,
    dataset,
    control,
    settings,
    metrics,
    log,
    store: runStore(folder, assembly, settings, about, log),
    start,
    resumedFrom: resumed?.checkpoint.path ?? null,
    ...(request.signal ? { signal: request.signal } : {}),
  });
  disposeState(state);
  return { run: folder.path, summary };
}

const configFile = (folder: RunFolder): string => join(folder.path, "config.json");

const loopSettings = (config: ResolvedConfig): LoopSettings => ({
  ...config.train,
  learningRate: config.optimizer.options.lr,
  config: config.data,
});

const freshPosition = (assembly: Assembly, settings: RunSettings): Position => ({
  state: assembly.initialState(),
  clock: clockAtStart,
  cursor: { epoch: 0, position: 0, seed: settings.seed },
});

async function resume(
  assembly: Assembly,
  from: Found,
  settings: LoopSettings,
  request: TrainRequest,
): Promise<Position> {
  const { manifest, tensors, path } = from.checkpoint;
  const run = from.folder.name;
  const { clock, stopReason } = manifest;
  const done = settings.steps !== null && clock.steps >= settings.steps;
  const stopped = stopReason !== null && !stopReason.startsWith("reached ") && request.force !== true;
  if (done || stopped) {
    throw errors.MF_RUN_STOPPED({ run, reason: stopReason ?? `it is at step ${clock.steps} of ${settings.steps}` });
  }
  const started = (plugin: string) => request.log.warn(`Plugin "${plugin}" is not in the checkpoint; it starts fresh.`);
  const state = restoreState(assembly, manifest, tensors, path, { drop: request.dropState ?? [], started });
  request.log.info(`Resumed ${run} at step ${clock.steps} from ${path}.`);
  const later = (await listCheckpoints(from.folder.checkpoints)).filter(
    (c) => (c.manifest?.clock.steps ?? 0) > clock.steps,
  );
  if (later.length > 0) {
    const names = later.map((c) => c.name).join(", ");
    request.log.warn(
      `${run} has later checkpoints (${names}). They stay, and "last" means them, until training passes them.`,
    );
  }
  return { state, clock, cursor: manifest.cursor };
}

function restoreState(
  assembly: Assembly,
  manifest: Manifest,
  tensors: Parameters<typeof restore>[1],
  path: string,
  options: { readonly drop: readonly string[]; readonly started: (plugin: string) => void },
): TrainState {
  const state = restore(assembly.initialState(), tensors, path, options);
  const here = new Set(assembly.plugins.map((p) => p.name));
  const memory = Object.fromEntries(Object.entries(manifest.memory).filter(([name]) => !options.drop.includes(name)));
  for (const plugin of Object.keys(memory)) if (!here.has(plugin)) throw errors.MF_CHECKPOINT_STATE({ path, plugin });
  assembly.loadMemory(memory, Object.fromEntries(manifest.plugins.map((p) => [p.name, p.stateVersion])));
  return state;
}

function runStore(
  folder: RunFolder,
  assembly: Assembly,
  settings: LoopSettings,
  about: { readonly config: Json; readonly preset: string | null; readonly machine: () => object },
  log: Log,
): RunStore {
  const writeSummary = (summary: object) =>
    writeJson(join(folder.path, "summary.json"), JSON.parse(JSON.stringify({ run: folder.name, ...summary })) as Json);
  return {
    // In the place of what an earlier process said when the run ended: it goes on.
    begin: (baselines) => writeSummary({ baselines }),
    end: ({ error: _, ...summary }) => writeSummary(summary),
    async save({ name, position, metrics, stopReason, best, keepLast }) {
      const draft = {
        preset: about.preset,
        config: about.config,
        clock: position.clock,
        cursor: position.cursor,
        seed: settings.seed,
        metrics,
        stopReason,
        plugins: assembly.plugins.map(({ name, stateVersion, options }) => ({
          name,
          stateVersion,
          options: JSON.parse(JSON.stringify(options)) as Json,
        })),
        memory: assembly.saveMemory(),
        environment: about.machine() as Json,
      };
      await saveCheckpoint(folder.checkpoints, name, draft, snapshot(position.state));
      if (best !== null) await writeBest(folder.checkpoints, { checkpoint: name, ...best });
      // Kept by name too: a run that went on from an earlier checkpoint has later ones, which are not this run's progress.
      if (keepLast !== null) await retain(folder.checkpoints, { last: keepLast, keep: [name] });
    },
    async rollback() {
      const found = await open(folder, "last", log).catch(() => null);
      return found === null ? null : restore(assembly.initialState(), found.tensors, found.path);
    },
  };
}

/** A trained model, ready to be measured or asked. */
export interface OpenedRun {
  /** The run's name. */
  readonly run: string;
  readonly folder: string;
  readonly checkpoint: string;
  readonly manifest: Manifest;
  /** What it was opened with: the saved configuration, or what `configOf` made of it. */
  readonly config: ResolvedConfig;
  readonly assembly: Assembly;
  /** The parameters to use: the averaged ones where the run keeps an average. */
  readonly params: Tree;
  /** The task's inference with these parameters; rejects with MF_INFERENCE_NONE where the task has none. */
  readonly predict: Predict;
  evaluate(): Promise<{ metrics: Record<string, number>; baselines: Record<string, Record<string, number>> }>;
  /** Pictures of what the model has learned: SVG texts by file name. Rejects with MF_RENDER_NONE where nothing draws any. */
  render(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens a run's best (else last) checkpoint, or the checkpoint `path` names, with the configuration it was trained with.
 * `configOf` rebuilds a configuration from its saved form; core does not know the plugins by name.
 */
export async function openRun(
  path: string,
  options: { readonly which?: string; readonly configOf: (saved: Json) => ResolvedConfig; readonly log: Log },
): Promise<OpenedRun> {
  const folder = await runOf(path);
  const best = (await readBest(folder.checkpoints)) === null ? "last" : "best";
  const which = options.which ?? (folder.path === resolve(path) ? best : path);
  const { path: checkpoint, manifest, tensors } = await open(folder, which, options.log);
  const config = options.configOf(manifest.config);
  await useBackend(config.backend);
  const assembly = assembleToAsk(config, folder.name, options.log);
  const here = assembly.plugins.map((p) => p.name);
  const state = restoreState(assembly, manifest, tensors, checkpoint, {
    // What a plugin that was left out keeps is of use to training alone.
    drop: manifest.plugins.map((p) => p.name).filter((plugin) => !here.includes(plugin)),
    started(plugin) {
      throw errors.MF_PLUGIN_UNTRAINED({ plugin, path: checkpoint });
    },
  });
  const params = assembly.evaluationParams(state);
  const predictor = openPredictor(config.engine, options.log);
  const predict = predictOf(assembly.task, params, predictor);
  const heldOutLoss = heldOutLossOf(assembly, state, manifest.clock, config.train.batchSize);
  return {
    run: folder.name,
    folder: folder.path,
    checkpoint,
    manifest,
    config,
    assembly,
    params,
    predict,
    evaluate: async () => ({
      metrics: await evaluate(assembly, params, predict, heldOutLoss),
      baselines: await measureBaselines(assembly),
    }),
    render: () => render(assembly, params, predict),
    async close() {
      await predictor.dispose();
      disposeState(state);
      await assembly.dispose();
    },
  };
}

/** The plugins of a configuration, set up for a run that is not trained and writes nothing. */
export function assembleToAsk(config: ResolvedConfig, run: string, log: Log): Assembly {
  const around: Surroundings = {
    run: createRunControl(run, null).run,
    settings: loopSettings(config),
    metrics: createMetricStream(log.warn),
    log,
  };
  return assemble(config.plugins, config.optimizer, around);
}
