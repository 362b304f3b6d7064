import { z } from "zod";
import type { Optimizer } from "../optimizer/optimizer.ts";
import type { Plugin } from "../plugin.ts";
import { leavesOf } from "./plain.ts";
import type { Registry } from "./registry.ts";
import { runSchema, type TrainOptions, trainSchema } from "./schema.ts";
import { nearest, type Problem, type Setting } from "./settings.ts";

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

export function removePlugin(draft: Draft, name: string): void {
  draft.plugins.delete(name);
  forget(draft, `plugins.${name}`);
}

/** Puts a plugin in the run, in its old place if it was there. `origin` made it, `settings` some of its options. */
export function setPlugin(draft: Draft, plugin: Plugin, origin: string, settings: readonly Setting[] = []): void {
  forget(draft, `plugins.${plugin.name}`);
  draft.plugins.set(plugin.name, plugin);
  draft.origins.set(`plugins.${plugin.name}`, origin);
  noteOptions(draft, ["plugins", plugin.name], plugin.options, plugin.schema, origin);
  for (const setting of settings) draft.origins.set(setting.path.join("."), setting.origin);
}

export function setOptimizer(draft: Draft, optimizer: Optimizer, origin: string, registry: Registry): void {
  forget(draft, "optimizer");
  draft.optimizer = optimizer;
  draft.origins.set("optimizer.name", origin);
  noteOptions(draft, ["optimizer"], optimizer.options, schemaOf(optimizer, registry), origin);
}

/** Switches to the optimizer that is named. What was set and exists in both stays set. */
export function nameOptimizer(draft: Draft, { value: name, origin, label }: Setting, registry: Registry): Problem[] {
  draft.origins.set("optimizer.name", origin);
  if (name === draft.optimizer.name) return [];
  const factory = registry.optimizers.find((o) => o.optimizerName === name);
  if (factory === undefined) {
    const known = registry.optimizers.map((o) => o.optimizerName);
    return [{ label, problem: `there is no optimizer "${name}"; ${nearest(String(name), known)}` }];
  }
  const originOf = (key: string): string => draft.origins.get(`optimizer.${key}`) ?? defaultOrigin;
  const kept = Object.entries(draft.optimizer.options)
    .filter(([key]) => key in factory.schema.shape && originOf(key) !== defaultOrigin)
    .map(([key, value]) => ({ key, value, origin: originOf(key) }));
  setOptimizer(
    draft,
    factory(Object.fromEntries(kept.map(({ key, value }) => [key, value])) as never),
    origin,
    registry,
  );
  for (const option of kept) draft.origins.set(`optimizer.${option.key}`, option.origin);
  return [];
}

// An optimizer of the user's own, out of a TypeScript config, checks its options itself.
export const schemaOf = (optimizer: Optimizer, registry: Registry): z.ZodObject =>
  registry.optimizers.find((o) => o.optimizerName === optimizer.name)?.schema ?? z.looseObject({ lr: z.number() });

function forget(draft: Draft, path: string): void {
  for (const key of draft.origins.keys()) if (key === path || key.startsWith(`${path}.`)) draft.origins.delete(key);
}

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
