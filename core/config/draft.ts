import { z } from "zod";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { describeIssue, merge, type Plugin } from "../plugin.ts";
import type { Config } from "./define.ts";
import { fieldAt, readText } from "./fields.ts";
import { isPlainObject, leavesOf, refusedKey, treeOf } from "./plain.ts";
import type { Registry } from "./resolve.ts";
import { runSchema, type TrainOptions, trainSchema } from "./schema.ts";
import { nearest, type Problem, refuse, type Setting } from "./settings.ts";

/** A configuration while layers are laid over it. */
export interface Draft {
  run: z.output<typeof runSchema>;
  train: TrainOptions;
  optimizer: Optimizer;
  /** In the order of the run. */
  readonly plugins: Map<string, Plugin>;
  /** By dotted path. */
  readonly origins: Map<string, string>;
}

export const defaultOrigin = "default";

/** The defaults, with no plugins. */
export function createDraft(registry: Registry): Draft {
  const run = runSchema.parse({});
  const train = trainSchema.parse({});
  const optimizer = registry.optimizers[0]!();
  const draft: Draft = { run, train, optimizer, plugins: new Map(), origins: new Map() };
  for (const [path] of leavesOf({ ...run, train, optimizer: optimizerData(optimizer) })) {
    draft.origins.set(path.join("."), defaultOrigin);
  }
  return draft;
}

export const optimizerData = ({ name, options }: Optimizer): Record<string, unknown> => ({ name, ...options });

/** Lays a preset or a TypeScript config over the draft. `origin` names it. Throws MF_CONFIG naming the key. */
export function applyConfig(draft: Draft, config: Config, origin: string, registry: Registry): void {
  const known = ["extends", "preset", "name", "backend", "engine", "plugins", "optimizer", "train"];
  const problems: Problem[] = [];
  const complain = (path: string, problem: string) => void problems.push({ label: `${origin} ${path}`, problem });
  for (const key of Object.keys(config)) {
    if (!known.includes(key)) complain(key, `there is no such key; ${nearest(key, known)}`);
  }
  const { plugins, optimizer, train, name, backend, engine } = config;
  if (train !== undefined && !isPlainObject(train)) complain("train", "must be an object");
  if (optimizer !== undefined && !isOptimizer(optimizer)) {
    complain("optimizer", "must be made by an optimizer's function, such as adamW({ lr: 1e-4 })");
  }
  const entries = flatten(plugins).filter((entry) => entry !== null && entry !== undefined && entry !== false);
  entries.forEach((entry, i) => {
    if (typeof entry === "function") {
      complain(`plugins[${i}]`, `is a function: call it, as in ${(entry as { name?: string }).name || "plugin"}()`);
    } else if (!isPlugin(entry) && !isWithout(entry)) complain(`plugins[${i}]`, "is not a plugin");
  });
  refuse(problems);

  if (optimizer !== undefined) setOptimizer(draft, optimizer, origin, registry);
  for (const entry of entries) {
    if (isWithout(entry)) removePlugin(draft, entry.without);
    else setPlugin(draft, entry as Plugin, origin);
  }
  const given = { ...plain({ name, backend, engine }), ...(train === undefined ? {} : { train: plain(train) }) };
  const settings = leavesOf(given)
    .filter(([path]) => !(path.length === 1 && path[0] === "train"))
    .map(([path, value]) => ({ path, value, isText: false, origin, label: `${origin} ${path.join(".")}` }));
  applySettings(draft, settings, registry);
}

const plain = (value: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
const flatten = (value: unknown): unknown[] => (Array.isArray(value) ? value.flatMap(flatten) : [value]);
const isWithout = (value: unknown): value is { without: string } =>
  typeof value === "object" && value !== null && "without" in value && typeof value.without === "string";
const isPlugin = (value: unknown): value is Plugin =>
  typeof value === "object" && value !== null && "setup" in value && "schema" in value && "with" in value;
const isOptimizer = (value: unknown): value is Optimizer =>
  typeof value === "object" && value !== null && "update" in value && "options" in value && "with" in value;

/** The plugins a TypeScript config holds, whether the registry knows them or not. */
export const pluginsOf = (config: Config): Plugin[] =>
  [...flatten(config.extends?.plugins), ...flatten(config.plugins)].filter(isPlugin);

/** Lays single values over the draft. Throws MF_CONFIG naming every setting that is wrong. */
export function applySettings(draft: Draft, settings: readonly Setting[], registry: Registry): void {
  const problems: Problem[] = [];
  const added = new Map<string, Setting>();
  const known = (): string[] => [...new Set([...draft.plugins.keys(), ...registry.plugins.map((p) => p.pluginName)])];
  const complain = (setting: Setting, problem: string) => void problems.push({ label: setting.label, problem });

  const sound = settings.filter((setting) => {
    const refused = setting.path.includes(refusedKey);
    if (refused) complain(setting, `"${refusedKey}" cannot be a key`);
    return !refused;
  });
  for (const setting of sound) {
    const [section, name] = setting.path;
    if (section !== "plugins" || name === undefined) continue;
    if (!known().includes(name)) complain(setting, `there is no plugin "${name}"; ${nearest(name, known())}`);
    else if (setting.path.length > 2) continue;
    else if (setting.value === false) {
      removePlugin(draft, name);
      added.delete(name);
    } else if (setting.value === true) added.set(name, setting);
    else complain(setting, "must be options, or true or false to add or remove the plugin");
  }
  refuse(problems);

  const task = [...added.keys(), ...draft.plugins.keys()].find((name) => providesTask(name, draft, registry));
  const placed = sound.flatMap((setting): Setting[] => {
    if (setting.path[0] !== "task") return [setting];
    if (task !== undefined) return [{ ...setting, path: ["plugins", task, ...setting.path.slice(1)] }];
    complain(setting, "no plugin of this run brings a task; name a preset, or add the task's plugin");
    return [];
  });
  const of = (section: string): Setting[] => placed.filter((s) => s.path[0] === section);

  const run = placed.filter((s) => s.path.length === 1 && Object.hasOwn(runSchema.shape, s.path[0]!));
  draft.run = change(draft, runSchema, draft.run, run, [], problems) ?? draft.run;
  draft.train = change(draft, trainSchema, draft.train, of("train"), ["train"], problems) ?? draft.train;
  changeOptimizer(draft, of("optimizer"), registry, problems);

  const touched = new Set([
    ...added.keys(),
    ...of("plugins")
      .filter((s) => s.path.length > 2)
      .map((s) => s.path[1]!),
  ]);
  for (const name of touched) {
    const options = of("plugins").filter((s) => s.path[1] === name && s.path.length > 2);
    const present = draft.plugins.get(name);
    const path = ["plugins", name];
    if (present !== undefined) {
      const changed = change(draft, present.schema, present.options, options, path, problems);
      if (changed !== undefined) draft.plugins.set(name, present.with(changesOf(present.schema, options, path)));
      continue;
    }
    const factory = registry.plugins.find((p) => p.pluginName === name)!;
    const because = added.get(name) ?? options[0]!;
    const changed = change(draft, factory.schema, {}, options, path, problems, because);
    if (changed === undefined) continue;
    setPlugin(draft, factory(changesOf(factory.schema, options, path) as never), because.origin);
    noteSettings(draft, options);
  }
  refuse(problems);
}

const providesTask = (name: string, draft: Draft, registry: Registry): boolean =>
  (draft.plugins.get(name) ?? registry.plugins.find((p) => p.pluginName === name))?.provides === "task";

function removePlugin(draft: Draft, name: string): void {
  draft.plugins.delete(name);
  forget(draft, `plugins.${name}`);
}

function setPlugin(draft: Draft, plugin: Plugin, origin: string): void {
  forget(draft, `plugins.${plugin.name}`);
  draft.plugins.set(plugin.name, plugin);
  draft.origins.set(`plugins.${plugin.name}`, origin);
  noteOptions(draft, ["plugins", plugin.name], plugin.options, plugin.schema, origin);
}

function setOptimizer(draft: Draft, optimizer: Optimizer, origin: string, registry: Registry): void {
  forget(draft, "optimizer");
  draft.optimizer = optimizer;
  draft.origins.set("optimizer.name", origin);
  noteOptions(draft, ["optimizer"], optimizer.options, schemaOf(optimizer, registry), origin);
}

function changeOptimizer(draft: Draft, settings: readonly Setting[], registry: Registry, problems: Problem[]): void {
  const named = settings.filter((s) => s.path[1] === "name").at(-1);
  const options = settings.filter((s) => s.path[1] !== "name");
  if (named !== undefined && named.value !== draft.optimizer.name) {
    const names = registry.optimizers.map((o) => o.optimizerName);
    const factory = registry.optimizers.find((o) => o.optimizerName === named.value);
    if (factory === undefined) {
      problems.push({
        label: named.label,
        problem: `there is no optimizer "${named.value}"; ${nearest(String(named.value), names)}`,
      });
      return;
    }
    // What was set and means the same for both stays set.
    const kept = Object.entries(draft.optimizer.options).filter(
      ([key]) => key in factory.schema.shape && draft.origins.get(`optimizer.${key}`) !== defaultOrigin,
    );
    const keptOrigins = kept.map(([key]) => [`optimizer.${key}`, draft.origins.get(`optimizer.${key}`)!] as const);
    setOptimizer(draft, factory(Object.fromEntries(kept) as never), named.origin, registry);
    for (const [path, origin] of keptOrigins) draft.origins.set(path, origin);
  } else if (named !== undefined) draft.origins.set("optimizer.name", named.origin);
  const schema = schemaOf(draft.optimizer, registry);
  const changed = change(draft, schema, draft.optimizer.options, options, ["optimizer"], problems);
  if (changed !== undefined) draft.optimizer = draft.optimizer.with(changesOf(schema, options, ["optimizer"]));
}

// An optimizer of the user's own, out of a TypeScript config, checks its options itself.
const schemaOf = (optimizer: Optimizer, registry: Registry): z.ZodObject =>
  registry.optimizers.find((o) => o.optimizerName === optimizer.name)?.schema ?? z.looseObject({ lr: z.number() });

function forget(draft: Draft, path: string): void {
  for (const key of draft.origins.keys()) if (key === path || key.startsWith(`${path}.`)) draft.origins.delete(key);
}

const noteSettings = (draft: Draft, settings: readonly Setting[]): void => {
  for (const { path, origin } of settings) draft.origins.set(path.join("."), origin);
};

/** A value that equals its schema's default counts as the default. */
function noteOptions(
  draft: Draft,
  path: readonly string[],
  options: object,
  schema: z.ZodObject,
  origin: string,
): void {
  const defaults = schema.safeParse({});
  const byPath = new Map(leavesOf(defaults.data ?? {}).map(([key, value]) => [key.join("."), JSON.stringify(value)]));
  for (const [key, value] of leavesOf({ ...options })) {
    const same = byPath.get(key.join(".")) === JSON.stringify(value);
    if (key.length > 0) draft.origins.set([...path, ...key].join("."), same ? defaultOrigin : origin);
  }
}

const changesOf = (
  schema: z.ZodObject,
  settings: readonly Setting[],
  section: readonly string[],
): Record<string, unknown> =>
  treeOf(settings.map((setting) => [setting.path.slice(section.length), typed(schema, setting, section)] as const));

const typed = (schema: z.ZodObject, { path, value, isText }: Setting, section: readonly string[]): unknown => {
  const field = isText ? fieldAt(schema, path.slice(section.length)) : undefined;
  return field === undefined ? value : readText(field, String(value));
};

/** The section with the settings in it, checked; undefined, with the problems noted, when the check fails. */
function change<S extends z.ZodObject>(
  draft: Draft,
  schema: S,
  current: Readonly<Record<string, unknown>>,
  settings: readonly Setting[],
  section: readonly string[],
  problems: Problem[],
  because: Setting | undefined = settings[0],
): z.output<S> | undefined {
  const parsed = schema.safeParse(merge({ ...current }, changesOf(schema, settings, section)));
  if (parsed.success) {
    noteSettings(draft, settings);
    return parsed.data;
  }
  for (const issue of parsed.error.issues) {
    const [dotted, problem] = describeIssue(issue, schema);
    const path = [...section, ...(dotted === "" ? [] : dotted.split("."))];
    const culprit = settings.findLast(({ path: at }) => startsWith(at, path) || startsWith(path, at));
    if (culprit === undefined)
      problems.push({ label: because?.label ?? path.join("."), problem: `${dotted}: ${problem}` });
    else problems.push({ label: culprit.label, problem: plainWords(issue, problem, typed(schema, culprit, section)) });
  }
  return undefined;
}

const startsWith = (path: readonly string[], start: readonly string[]): boolean =>
  start.every((key, i) => path[i] === key);

function plainWords(issue: z.core.$ZodIssue, problem: string, value: unknown): string {
  if (issue.code === "unrecognized_keys") return problem;
  const received = JSON.stringify(value) ?? String(value);
  const words = problem
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
  return `${words}, received ${received.length > 60 ? `${received.slice(0, 57)}…` : received}`;
}
