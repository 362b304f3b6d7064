import type { Optimizer } from "../optimizer/optimizer.ts";
import type { Plugin } from "../plugin.ts";
import { applySettings } from "./apply-settings.ts";
import type { Config } from "./define.ts";
import { type Draft, removePlugin, setOptimizer, setPlugin } from "./draft.ts";
import { isPlainObject, leavesOf } from "./plain.ts";
import type { Registry } from "./registry.ts";
import { nearest, type Problem, refuse } from "./settings.ts";

/** Lays a preset or a TypeScript config over the draft. `origin` names it. Throws MF_CONFIG naming the key. */
export function applyConfig(draft: Draft, config: Config, origin: string, registry: Registry): void {
  const known = ["extends", "preset", "name", "backend", "engine", "device", "plugins", "optimizer", "train"];
  const problems: Problem[] = [];
  const complain = (path: string, problem: string) => void problems.push({ label: `${origin} ${path}`, problem });
  for (const key of Object.keys(config)) {
    if (!known.includes(key)) complain(key, `there is no such key; ${nearest(key, known)}`);
  }
  const { plugins, optimizer, train, name, backend, engine, device } = config;
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
  const given = {
    ...plain({ name, backend, engine, device }),
    ...(train === undefined ? {} : { train: plain(train) }),
  };
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
