import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { actAs } from "./acting.ts";
import { errors, isMfError } from "./errors.ts";
import { guardHooks } from "./guard.ts";
import { createHooks, type Hooks } from "./hooks.ts";
import type { Json } from "./json.ts";
import type { MetricStream } from "./metrics/stream.ts";
import type { Optimizer } from "./optimizer/optimizer.ts";
import type { Log, Plugin, PluginContext, PluginFactory } from "./plugin.ts";
import { createStream } from "./random.ts";
import type { ReportSection } from "./report/figure.ts";
import type { Clock, Run, RunSettings } from "./run.ts";
import type { Slot, TrainState } from "./state.ts";
import { buildStep, type StepProgram } from "./step.ts";
import type { Evaluator, LossTerm, Model, Task } from "./task.ts";
import { mapTree, prefixed, type Tree } from "./tree.ts";
import { type Interval, parseInterval } from "./when.ts";

/** What a run holds outside its plugins. */
export interface Surroundings {
  readonly run: Run;
  readonly settings: RunSettings;
  readonly metrics: MetricStream;
  readonly log: Log;
}

interface Memory {
  readonly version: number;
  save(): Json;
  load(value: Json, version: number): void;
}

/** Who declared what, for `mf explain`. */
export interface Declaration {
  readonly kind:
    | "task"
    | "loss"
    | "evaluator"
    | "section"
    | "scalar"
    | "fixed"
    | "slot"
    | "memory"
    | "interval"
    | "evaluation";
  readonly name: string;
  readonly plugin: string;
}

/** A run's plugins, set up: everything the loop and the engine need, and nothing that ran yet. */
export interface Assembly {
  readonly plugins: readonly Plugin[];
  readonly hooks: Hooks;
  readonly task: Task;
  readonly optimizer: Optimizer;
  readonly program: StepProgram;
  readonly terms: readonly LossTerm[];
  readonly evaluators: readonly Evaluator[];
  /** Of the run's report. */
  readonly sections: readonly ReportSection[];
  readonly declarations: readonly Declaration[];
  readonly intervals: readonly { readonly interval: Interval; readonly act: (clock: Clock) => void }[];
  /** The state before the first step: a function of the seed alone. The caller owns the tensors. */
  initialState(): TrainState;
  /** The parameters to evaluate, infer with and export. */
  evaluationParams(state: TrainState): Tree;
  /** The numbers to feed to the step that starts at `clock`. Throws MF_SCALAR_VALUE. */
  scalarsAt(clock: Clock): Record<string, number>;
  /** Brings fixed values up to date; returns a key that names the step program they make. */
  fixAt(clock: Clock): string;
  saveMemory(): Record<string, Json>;
  loadMemory(saved: Readonly<Record<string, Json>>, versions: Readonly<Record<string, number>>): void;
  /** Runs the disposers in reverse order, each isolated; returns what they threw. */
  dispose(): Promise<unknown[]>;
}

/** Sets up plugins in dependency order and builds the step from what they declare. */
export function assemble(given: readonly Plugin[], optimizer: Optimizer, around: Surroundings): Assembly {
  const plugins = inDependencyOrder(given);
  const hooks = createHooks();
  let current: Plugin | undefined;
  guardHooks(hooks, () => current?.name);

  const tasks: { plugin: string; task: Task }[] = [];
  const terms: LossTerm[] = [];
  const evaluators: Evaluator[] = [];
  const sections: ReportSection[] = [];
  const scalars = new Map<string, (clock: Clock) => number>();
  const fixed = new Map<string, { at: (clock: Clock) => number; now: number }>();
  const slots: { path: string; init: (params: Tree) => Tree }[] = [];
  const memories = new Map<string, Memory>();
  const intervals: { interval: Interval; act: (clock: Clock) => void }[] = [];
  const disposers: (() => void | Promise<void>)[] = [];
  const declarations: Declaration[] = [];
  const apis = new Map<string, unknown>();
  let chooseParams: ((state: TrainState) => Tree) | undefined;

  const declare = (plugin: Plugin, kind: Declaration["kind"], name: string, call: string): void => {
    if (current !== plugin) throw errors.MF_SETUP_LATE({ plugin: plugin.name, call });
    const first = declarations.find(
      (d) => d.kind === kind && d.name === name && kind !== "interval" && kind !== "task",
    );
    if (first) throw errors.MF_DECLARED_TWICE({ kind, name, by: plugin.name, first: first.plugin });
    declarations.push({ kind, name, plugin: plugin.name });
  };
  const declareSlot = (
    plugin: Plugin,
    name: string,
    call: string,
    init: (params: Tree, path: string) => Tree,
  ): string => {
    const path = `${plugin.name}/${name}`;
    declare(plugin, "slot", path, call);
    slots.push({ path, init: (params) => init(params, path) });
    return path;
  };

  const model: Model = {
    init: (random) => theTask().model.init(random),
    apply: (params, inputs) => theTask().model.apply(params, inputs),
    inputGradient: (params, inputs, name) => theTask().model.inputGradient?.(params, inputs, name) ?? null,
  };
  const theTask = (): Task => {
    if (tasks.length !== 1) throw errors.MF_TASK_COUNT({ tasks: tasks.map((t) => t.plugin) });
    return tasks[0]!.task;
  };

  const contextOf = (plugin: Plugin): PluginContext => ({
    hooks,
    run: around.run,
    settings: around.settings,
    metrics: around.metrics,
    log: around.log,
    model,
    task(task) {
      declare(plugin, "task", task.name, "task");
      tasks.push({ plugin: plugin.name, task });
    },
    loss(term) {
      declare(plugin, "loss", term.name, "loss");
      terms.push({ ...term, compute: (...given) => actAs(`${plugin.name}, loss`, () => term.compute(...given)) });
    },
    evaluator(evaluator) {
      declare(plugin, "evaluator", evaluator.name, "evaluator");
      evaluators.push(evaluator);
    },
    report(section) {
      declare(plugin, "section", section.name, "report");
      sections.push(section);
    },
    evaluationParams(choose) {
      declare(plugin, "evaluation", "params", "evaluationParams");
      chooseParams = choose;
    },
    scalar(name, at) {
      declare(plugin, "scalar", name, "scalar");
      scalars.set(name, at);
    },
    fixed(name, at) {
      declare(plugin, "fixed", name, "fixed");
      const entry = { at, now: at(around.run.clock) };
      fixed.set(name, entry);
      return () => entry.now;
    },
    slot: (name, init): Slot<Tensor> => ({
      path: declareSlot(plugin, name, "slot", (params, path) => ({ [path]: init(params) })),
      kind: "tensor",
    }),
    slotTree: (name, init): Slot<Tree> => ({
      path: declareSlot(plugin, name, "slotTree", (params, path) => prefixed(path, init(params))),
      kind: "tree",
    }),
    memory(saved) {
      declare(plugin, "memory", plugin.name, "memory");
      memories.set(plugin.name, { version: plugin.stateVersion, save: saved.save, load: saved.load as Memory["load"] });
    },
    use<A>(other: PluginFactory<never, A>): A {
      if (!plugin.requires.includes(other.pluginName)) {
        throw errors.MF_PLUGIN_UNDECLARED({ plugin: plugin.name, used: other.pluginName });
      }
      return apis.get(other.pluginName) as A;
    },
    every(interval, act) {
      declare(plugin, "interval", interval, "every");
      parseInterval(interval);
      intervals.push({ interval, act });
    },
    onDispose: (free) => void disposers.push(free),
  });

  for (const plugin of plugins) {
    current = plugin;
    try {
      apis.set(plugin.name, plugin.setup(contextOf(plugin)));
    } catch (cause) {
      if (isMfError(cause)) throw cause;
      const text = cause instanceof Error ? cause.message : String(cause);
      throw errors.MF_SETUP_FAILED({ plugin: plugin.name, cause: text }, { cause });
    } finally {
      current = undefined;
    }
  }

  const versionNow = (): string => [...fixed].map(([name, { now }]) => `${name}=${now}`).join(",");

  const task = theTask();
  if (terms.length === 0) throw errors.MF_NO_LOSS(undefined);
  // A schedule plugin takes the learning rate over by declaring it.
  if (!scalars.has("lr")) scalars.set("lr", () => optimizer.options.lr);

  return {
    plugins,
    hooks,
    task,
    optimizer,
    program: buildStep(terms, hooks, optimizer, versionNow),
    terms,
    evaluators,
    sections,
    declarations,
    intervals,
    initialState() {
      const params = task.model.init(createStream(around.settings.seed, "init"));
      // A slot may start as the parameters themselves, or from tensors of no further use: a clone is its own in each case.
      const own = tf.tidy(() => {
        const all: Tree = Object.assign({}, ...slots.map((slot) => slot.init(params)));
        return mapTree((t) => t.clone(), all);
      });
      return { params, opt: optimizer.init(params), slots: own };
    },
    evaluationParams: (state) => chooseParams?.(state) ?? state.params,
    scalarsAt(clock) {
      const values: Record<string, number> = {};
      for (const [name, at] of scalars) values[name] = at(clock);
      Object.assign(values, optimizer.scalars(clock.steps - clock.skipped + 1));
      for (const [name, value] of Object.entries(values)) {
        if (!Number.isFinite(value)) throw errors.MF_SCALAR_VALUE({ name, value });
      }
      return values;
    },
    fixAt(clock) {
      for (const entry of fixed.values()) entry.now = entry.at(clock);
      return versionNow();
    },
    saveMemory: () => Object.fromEntries([...memories].map(([name, m]) => [name, structuredClone(m.save()) as Json])),
    loadMemory(saved, versions) {
      for (const [name, memory] of memories) {
        const value = saved[name];
        if (value !== undefined) memory.load(structuredClone(value) as Json, versions[name] ?? memory.version);
      }
    },
    async dispose() {
      const thrown: unknown[] = [];
      for (const free of disposers.splice(0).reverse()) {
        try {
          await free();
        } catch (error) {
          thrown.push(error);
        }
      }
      return thrown;
    },
  };
}

/** Plugins after what they require, otherwise in the order given. Throws for a missing one, a circle, or a name twice. */
function inDependencyOrder(plugins: readonly Plugin[]): readonly Plugin[] {
  const byName = new Map<string, Plugin>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name)) throw errors.MF_PLUGIN_TWICE({ plugin: plugin.name });
    byName.set(plugin.name, plugin);
  }
  const done = new Set<Plugin>();
  const visit = (plugin: Plugin, trail: readonly string[]): void => {
    if (done.has(plugin)) return;
    if (trail.includes(plugin.name)) throw errors.MF_PLUGIN_CYCLE({ plugins: [...trail, plugin.name] });
    for (const needs of plugin.requires) {
      const required = byName.get(needs);
      if (required === undefined) throw errors.MF_PLUGIN_MISSING({ plugin: plugin.name, needs });
      visit(required, [...trail, plugin.name]);
    }
    done.add(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return [...done];
}
