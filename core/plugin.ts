import type { Tensor } from "@tensorflow/tfjs-core";
import { z } from "zod";
import { didYouMean, errors } from "./errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Json } from "./json.ts";
import type { MetricStream } from "./metrics/stream.ts";
import type { ReportSection } from "./report/figure.ts";
import type { Clock, Run, RunSettings } from "./run.ts";
import type { Slot, TrainState } from "./state.ts";
import type { Evaluator, LossTerm, Model, Task } from "./task.ts";
import type { Tree } from "./tree.ts";
import type { Interval } from "./when.ts";

/** Messages for a person, beside the metric stream. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** What a plugin's setup is given. Everything is declared while setup runs; afterwards only `run`, `metrics` and `log` act. */
export interface PluginContext {
  readonly hooks: Hooks;
  readonly run: Run;
  readonly settings: RunSettings;
  readonly metrics: MetricStream;
  readonly log: Log;
  /** The task's model. Usable in transforms, loss terms and evaluators, whatever the order of plugins. */
  readonly model: Model;
  /** Brings the task. Exactly one plugin of a run does; it is declared with `provides: "task"`. */
  task(task: Task): void;
  /** Adds a named loss term; the step minimises the sum of all. */
  loss(term: LossTerm): void;
  evaluator(evaluator: Evaluator): void;
  /** Adds a section to the run's report: what the trained model does, as a figure. */
  report(section: ReportSection): void;
  /** Chooses the parameters that are evaluated and exported instead of the trained ones. At most one plugin does (EMA). */
  evaluationParams(choose: (state: TrainState) => Tree): void;
  /** A number fed to the step as a 0-d tensor, computed anew each step from the clock before it. */
  scalar(name: string, at: (clock: Clock) => number): void;
  /** A number baked into the step; when it changes the step is rebuilt (cached by value). Read it with the returned function. */
  fixed(name: string, at: (clock: Clock) => number): () => number;
  /** A tensor carried from step to step and through checkpoints. */
  slot(name: string, init: (params: Tree) => Tensor): Slot<Tensor>;
  /** A tree of tensors carried from step to step and through checkpoints. */
  slotTree(name: string, init: (params: Tree) => Tree): Slot<Tree>;
  /** Host state carried through checkpoints. `version` is the plugin's `stateVersion` when it was saved. */
  memory<T extends Json>(saved: { save(): T; load(value: T, version: number): void }): void;
  /** The api of a plugin this one requires. */
  use<A>(plugin: PluginFactory<never, A>): A;
  every(interval: Interval, act: (clock: Clock) => void): void;
  onDispose(free: () => void | Promise<void>): void;
}

/** An inert, frozen description. Nothing runs until a run sets it up. */
export interface Plugin<A = unknown> {
  /** Tap name, metric prefix, checkpoint key and folder name in one. */
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly requires: readonly string[];
  readonly provides: "task" | null;
  readonly stateVersion: number;
  readonly schema: z.ZodObject;
  /** The same plugin with some options changed, checked like the first time. */
  with(changes: Readonly<Record<string, unknown>>): Plugin<A>;
  setup(context: PluginContext): A;
}

export interface PluginFactory<O, A = unknown> {
  (options?: O): Plugin<A>;
  readonly pluginName: string;
  readonly summary: string;
  readonly provides: "task" | null;
  readonly schema: z.ZodObject;
}

export interface PluginSpec<S extends z.ZodObject, A> {
  readonly name: string;
  /** One line for `mf plugins`. */
  readonly summary: string;
  /** A zod strictObject whose fields have defaults; `.describe()` each for `mf plugins`. */
  readonly options: S;
  readonly requires?: readonly PluginFactory<never, unknown>[];
  readonly provides?: "task";
  /** Raise it when the shape of `memory` or slots changes. */
  readonly stateVersion?: number;
  setup(context: PluginContext, options: z.output<S>): A;
}

/** Makes a plugin's factory. Calling the factory checks the options at the line that wrote them (MF_OPTION). */
export function definePlugin<S extends z.ZodObject, A>(spec: PluginSpec<S, A>): PluginFactory<z.input<S>, A> {
  const factory = (given?: z.input<S>): Plugin<A> => {
    const options = parseOptions(spec.name, spec.options, given ?? {});
    return Object.freeze({
      name: spec.name,
      summary: spec.summary,
      options,
      requires: (spec.requires ?? []).map((p) => p.pluginName),
      provides: spec.provides ?? null,
      stateVersion: spec.stateVersion ?? 1,
      schema: spec.options,
      with: (changes: Readonly<Record<string, unknown>>) =>
        factory(merge(options as Record<string, unknown>, changes) as z.input<S>),
      setup: (context: PluginContext) => spec.setup(context, options),
    });
  };
  return Object.assign(factory, {
    pluginName: spec.name,
    summary: spec.summary,
    provides: spec.provides ?? null,
    schema: spec.options as z.ZodObject,
  });
}

/** Deep merge of plain objects; arrays and everything else are replaced. */
export function merge(
  base: Record<string, unknown>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const old = out[key];
    out[key] = isPlain(old) && isPlain(value) ? merge(old, value) : value;
  }
  return out;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Checks options against their schema; the first problem becomes MF_OPTION with the owner's and the option's name. */
export function parseOptions<S extends z.ZodObject>(owner: string, schema: S, given: unknown): z.output<S> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data) as z.output<S>;
  const [option, problem] = describeIssue(parsed.error.issues[0]!, schema);
  throw errors.MF_OPTION({ plugin: owner, option, problem });
}

/** Path and plain words of a zod issue: the unknown key with its nearest known one, or what was expected. */
export function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType): [path: string, problem: string] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = keysAt(schema, path);
    const near = didYouMean(key, known);
    const advice =
      near !== undefined ? `did you mean "${near}"?` : known.length > 0 ? `known: ${known.join(", ")}` : "";
    return [[...path, key].join("."), `there is no such option${advice && `; ${advice}`}`];
  }
  return [path.join("."), plainWords(issue.message.charAt(0).toLowerCase() + issue.message.slice(1))];
}

/** zod's wording as a sentence about the option: "must be a whole number", "must be >0". */
const plainWords = (message: string): string =>
  message
    .replace(/^invalid input: expected int(, received .*)?$/, "must be a whole number")
    .replace(/^invalid input: expected ([aeiou]\w*)(, received .*)?$/, "must be an $1")
    .replace(/^invalid input: expected (\w+)(, received .*)?$/, "must be a $1")
    .replace(/^invalid input: expected (.*?)(, received .*)?$/, "must be $1")
    .replace(
      /^invalid option: expected one of (.*)$/,
      (_, options: string) => `must be one of ${options.replaceAll("|", ", ")}`,
    )
    .replace(/^too (?:small|big): expected \w+ to be /, "must be ")
    .replace(/^too (?:small|big): expected \w+ to have /, "must have ");

function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: unknown = schema;
  const unwrap = (s: unknown): unknown => {
    while (
      s instanceof z.ZodDefault ||
      s instanceof z.ZodOptional ||
      s instanceof z.ZodPrefault ||
      s instanceof z.ZodNullable
    ) {
      s = s.def.innerType;
    }
    return s;
  };
  for (const key of path) {
    const object = unwrap(at);
    at = object instanceof z.ZodObject ? object.shape[key] : undefined;
  }
  const object = unwrap(at);
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}
