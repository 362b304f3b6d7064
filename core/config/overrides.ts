import type { z } from "zod";
import { didYouMean, errors } from "../errors.ts";
import { fieldsOf, isRecord, isSwitch } from "./fields.ts";
import type { Registry } from "./registry.ts";
import { runSchema, trainSchema } from "./schema.ts";
import { changeSection } from "./sections.ts";
import { refuse, type Setting } from "./settings.ts";

/** A flag or an environment variable, cut into words: `--ema.decay 0.99` is [["ema", "decay"], "0.99"]. */
interface Given {
  readonly spelling: string;
  readonly words: readonly string[];
  /** Undefined for a flag without a value. */
  readonly text: string | undefined;
}

/** Something that can be set: its path in the configuration, and the words that name it. */
interface Target {
  readonly path: readonly string[];
  readonly spellings: readonly (readonly string[])[];
  readonly kind: "value" | "switch" | "record" | "plugin";
}

/** Environment variables of MotionForge that are no settings. */
export const reservedVariables = ["MF_BLAS", "MF_BLAS_LIB", "MF_RUNS_DIR", "MF_DEBUG"];

/**
 * Separates the words of a command line into positional ones and settings. `--key value`, `--key=value`, `--no-key`; a
 * switch or a plugin's name takes no value unless it is written with "=" or is a plain true or false. `own` are the flags
 * that the command has besides, for guesses.
 * Throws MF_UNKNOWN for a key that nothing has, MF_USAGE for one without its value.
 */
export function readFlags(
  words: readonly string[],
  registry: Registry,
  own: readonly string[] = [],
): { positional: string[]; settings: Setting[] } {
  return readWords(words, targetsOf(registry), own);
}

/** The same for options that belong to one schema alone: `--robot panda --samples 1000`. Throws MF_CONFIG for wrong values. */
export function readOptions<S extends z.ZodObject>(
  words: readonly string[],
  schema: S,
): { positional: string[]; options: z.output<S> } {
  const targets = fieldsOf(schema).map(({ path, schema: field }) => targetOf(path, field, [path]));
  const { positional, settings } = readWords(words, targets);
  const { value, problems } = changeSection(schema, {}, settings, []);
  refuse(problems);
  return { positional, options: value! };
}

function readWords(
  words: readonly string[],
  targets: readonly Target[],
  own: readonly string[] = [],
): { positional: string[]; settings: Setting[] } {
  const positional: string[] = [];
  const settings: Setting[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") {
      positional.push(...words.slice(i + 1));
      break;
    }
    if (!/^-+[A-Za-z_]/.test(word)) {
      positional.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const spelling = equals < 0 ? word : word.slice(0, equals);
    const given = { spelling, words: spelling.replace(/^-+/, "").split(".") };
    const { target, path, negated } = find(given, targets, "flag", own);
    let text = equals < 0 ? undefined : word.slice(equals + 1);
    const next = words[i + 1];
    const bare = target.kind === "switch" || target.kind === "plugin";
    if (
      text === undefined &&
      !negated &&
      next !== undefined &&
      (bare ? /^(true|false)$/.test(next) : !/^--?[A-Za-z_]/.test(next))
    ) {
      text = next;
      i++;
    }
    settings.push(settingOf({ ...given, text }, target, path, negated));
  }
  return { positional, settings };
}

/**
 * The settings among environment variables: `MF_BATCH_SIZE=512`, `MF_TRAIN__BATCH_SIZE`, `MF_EMA__DECAY`, `MF_NO_EMA=1`.
 * Two underscores stand for the dot. Empty variables count as unset. Throws MF_UNKNOWN.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, registry: Registry): Setting[] {
  const targets = targetsOf(registry);
  return Object.entries(env).flatMap(([name, text]) => {
    if (!name.startsWith("MF_") || !text || reservedVariables.includes(name)) return [];
    const given = { spelling: name, words: name.slice(3).split("__"), text };
    const { target, path, negated } = find(given, targets, "variable");
    if (negated && /^(0|false|no|off)$/i.test(text)) return [];
    return [settingOf(given, target, path, negated)];
  });
}

function settingOf({ spelling, text }: Given, target: Target, path: readonly string[], negated: boolean): Setting {
  const common = { path, origin: spelling, label: spelling };
  if (negated) return { ...common, value: false, isText: false };
  if (text !== undefined) {
    if (target.kind !== "plugin") return { ...common, value: text, isText: true };
    if (!/^(true|false|yes|no|on|off|0|1)$/i.test(text)) {
      throw errors.MF_CONFIG({ where: spelling, problems: [`adds or removes a plugin: true or false, not "${text}"`] });
    }
    return { ...common, value: /^(true|yes|on|1)$/i.test(text), isText: false };
  }
  if (target.kind === "value" || target.kind === "record") {
    throw errors.MF_USAGE({ problem: `${spelling} needs a value.`, usage: `Write ${spelling} <value>.` });
  }
  return { ...common, value: true, isText: false };
}

// Case, dashes and underscores carry no meaning: --batch-size, --batchSize and BATCH_SIZE are one key.
const fold = (word: string): string => word.toLowerCase().replace(/[-_]/g, "");

function find(
  given: Omit<Given, "text">,
  targets: readonly Target[],
  style: "flag" | "variable",
  own: readonly string[] = [],
): { target: Target; path: readonly string[]; negated: boolean } {
  const found = match(given.words, targets);
  if (found !== undefined) return { ...found, negated: false };
  const [first = "", ...rest] = given.words;
  const affirmed = /^no[-_](.+)$/i.exec(first)?.[1];
  if (affirmed !== undefined) {
    const denied = match([affirmed, ...rest], targets);
    if (denied !== undefined && (denied.target.kind === "switch" || denied.target.kind === "plugin")) {
      return { ...denied, negated: true };
    }
  }
  throw unknown(given, targets, style, own);
}

function match(
  words: readonly string[],
  targets: readonly Target[],
): { target: Target; path: readonly string[] } | undefined {
  const folded = words.map(fold);
  const fits = (spelling: readonly string[]) => spelling.every((word, i) => fold(word) === folded[i]);
  for (const target of targets) {
    if (target.spellings.some((s) => s.length === words.length && fits(s))) return { target, path: target.path };
  }
  for (const target of targets) {
    if (target.kind !== "record") continue;
    const prefix = target.spellings.find((s) => s.length < words.length && fits(s));
    // A record's keys are the user's own and keep their case.
    if (prefix !== undefined) {
      return { target: { ...target, kind: "value" }, path: [...target.path, ...words.slice(prefix.length)] };
    }
  }
  return undefined;
}

function unknown(
  { spelling, words }: Omit<Given, "text">,
  targets: readonly Target[],
  style: "flag" | "variable",
  own: readonly string[],
) {
  const spell = (spelled: readonly string[]): string =>
    style === "flag"
      ? `--${spelled.map((w) => w.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()).join(".")}`
      : `MF_${spelled
          .map((w) =>
            w
              .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
              .replace(/-/g, "_")
              .toUpperCase(),
          )
          .join("__")}`;
  const all = targets.flatMap((t) => t.spellings.map(spell));
  const negations = targets.filter((t) => t.kind === "plugin").map((t) => spell([`no-${t.path[1]}`]));
  const near = didYouMean(spelling, [...own, ...all, ...negations]);
  const siblings = targets.flatMap((t) => t.spellings).filter((s) => s.length > 1 && fold(s[0]!) === fold(words[0]!));
  const shown =
    words.length > 1 && siblings.length > 0
      ? siblings
      : targets.flatMap((t) => t.spellings).filter((s) => s.length === 1);
  return errors.MF_UNKNOWN({
    kind: style === "flag" ? "option" : "environment variable",
    name: spelling,
    known: near === undefined ? [...new Set(shown.map(spell))] : [near],
  });
}

const targetOf = (path: readonly string[], schema: z.ZodType, spellings: Target["spellings"]): Target => ({
  path,
  spellings,
  kind: isSwitch(schema) ? "switch" : isRecord(schema) ? "record" : "value",
});

function targetsOf(registry: Registry): Target[] {
  const targets: Target[] = [];
  const add = (path: readonly string[], schema: z.ZodType, ...spellings: (readonly string[])[]) =>
    void targets.push(targetOf(path, schema, spellings));
  for (const { path, schema } of fieldsOf(runSchema)) add(path, schema, path);
  for (const { path, schema } of fieldsOf(trainSchema)) add(["train", ...path], schema, path, ["train", ...path]);
  targets.push({ path: ["optimizer", "name"], spellings: [["optimizer"], ["optimizer", "name"]], kind: "value" });
  for (const { path, schema } of registry.optimizers.flatMap((o) => fieldsOf(o.schema))) {
    const short = ["lr", "weightDecay"].includes(path.join(".")) ? [path] : [];
    add(["optimizer", ...path], schema, ...short, ["optimizer", ...path]);
  }
  for (const { pluginName, provides, schema } of registry.plugins) {
    targets.push({ path: ["plugins", pluginName], spellings: [[pluginName]], kind: "plugin" });
    for (const field of fieldsOf(schema)) {
      add(["plugins", pluginName, ...field.path], field.schema, [pluginName, ...field.path]);
      if (provides !== "task") continue;
      const short = ["robot", "skipBadFiles"].includes(field.path.join(".")) ? [field.path] : [];
      add(["task", ...field.path], field.schema, ...short, ["task", ...field.path]);
    }
  }
  return targets;
}
