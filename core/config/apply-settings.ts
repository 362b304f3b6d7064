import type { z } from "zod";
import { type Draft, nameOptimizer, removePlugin, schemaOf, setPlugin } from "./draft.ts";
import { refusedKey } from "./plain.ts";
import type { Registry } from "./registry.ts";
import { runSchema, trainSchema } from "./schema.ts";
import { changeSection, changesOf } from "./sections.ts";
import { nearest, type Problem, refuse, type Setting } from "./settings.ts";

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

  const changed = <S extends z.ZodObject>(
    schema: S,
    current: Readonly<Record<string, unknown>>,
    changes: readonly Setting[],
    section: readonly string[],
    because?: Setting,
  ): z.output<S> | undefined => {
    const result = changeSection(schema, current, changes, section, because);
    problems.push(...result.problems);
    if (result.value !== undefined) for (const { path, origin } of changes) draft.origins.set(path.join("."), origin);
    return result.value;
  };

  const run = placed.filter((s) => s.path.length === 1 && Object.hasOwn(runSchema.shape, s.path[0]!));
  draft.run = changed(runSchema, draft.run, run, []) ?? draft.run;
  draft.train = changed(trainSchema, draft.train, of("train"), ["train"]) ?? draft.train;

  const named = of("optimizer").findLast((s) => s.path[1] === "name");
  if (named !== undefined) problems.push(...nameOptimizer(draft, named, registry));
  const ofOptimizer = of("optimizer").filter((s) => s.path[1] !== "name");
  const schema = schemaOf(draft.optimizer, registry);
  if (changed(schema, draft.optimizer.options, ofOptimizer, ["optimizer"]) !== undefined) {
    draft.optimizer = draft.optimizer.with(changesOf(schema, ofOptimizer, ["optimizer"]));
  }

  const ofPlugins = of("plugins").filter((s) => s.path.length > 2);
  for (const name of new Set([...added.keys(), ...ofPlugins.map((s) => s.path[1]!)])) {
    const section = ["plugins", name];
    const own = ofPlugins.filter((s) => s.path[1] === name);
    const present = draft.plugins.get(name);
    const factory = registry.plugins.find((p) => p.pluginName === name);
    const schema = present?.schema ?? factory!.schema;
    const because = added.get(name) ?? own[0]!;
    if (changed(schema, present?.options ?? {}, own, section, because) === undefined) continue;
    const changes = changesOf(schema, own, section);
    if (present !== undefined) draft.plugins.set(name, present.with(changes));
    else setPlugin(draft, factory!(changes as never), because.origin, own);
  }
  refuse(problems);
}

const providesTask = (name: string, draft: Draft, registry: Registry): boolean =>
  (draft.plugins.get(name) ?? registry.plugins.find((p) => p.pluginName === name))?.provides === "task";
