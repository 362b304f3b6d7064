import { didYouMean, errors } from "../errors.ts";
import { isPlainObject, refusedKey } from "./plain.ts";

/** One value of a layer. */
export interface Setting {
  /** `name`, `train.batchSize`, `optimizer.lr`, `task.robot`, `plugins.ema.decay`; `plugins.ema` itself for true or false. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** A text that the schema has still to give a type. */
  readonly isText: boolean;
  /** What `mf config` shows as the value's origin. */
  readonly origin: string;
  /** What an error names: the flag, the variable, or file, line and key. */
  readonly label: string;
}

export interface Problem {
  readonly label: string;
  readonly problem: string;
}

/** Throws MF_CONFIG naming every culprit; does nothing when there is none. */
export function refuse(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  throw errors.MF_CONFIG(
    others.length === 0
      ? { where: first.label, problems: [`${first.problem}.`] }
      : {
          where: `The configuration has ${problems.length} mistakes`,
          problems: problems.map(({ label, problem }) => `${label}: ${problem}.`),
        },
  );
}

export function nearest(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known);
  return near === undefined ? `known: ${known.join(", ")}` : `did you mean "${near}"?`;
}

const sections = ["train", "optimizer", "plugins", "task"] as const;
const topLevel = ["preset", "quick", "name", "backend", "engine", "device", ...sections];

/** What a configuration written as data (YAML, JSON, a checkpoint) says. */
export interface DataConfig {
  readonly preset?: string;
  readonly quick?: boolean;
  readonly settings: readonly Setting[];
}

/**
 * Reads `{ preset, quick, name, backend, engine, device, train, optimizer, plugins, task }`. `locate` tells where in the file a
 * path is (`mf.config.yaml:3:7`). Throws MF_CONFIG for unknown keys and for sections of the wrong kind; values are
 * checked when they are applied.
 */
export function readDocument(document: unknown, locate: (path: readonly string[]) => string): DataConfig {
  const problems: Problem[] = [];
  const settings: Setting[] = [];
  const label = (path: readonly string[]): string => [locate(path), path.join(".")].filter(Boolean).join(" ");
  const complain = (path: readonly string[], problem: string) => void problems.push({ label: label(path), problem });
  const set = (path: readonly string[], value: unknown) =>
    void settings.push({ path, value, isText: false, origin: locate(path), label: label(path) });
  const walk = (path: readonly string[], value: unknown): void => {
    if (path.includes(refusedKey)) complain(path, `"${refusedKey}" cannot be a key`);
    else if (!isPlainObject(value)) set(path, value);
    else for (const [key, inner] of Object.entries(value)) walk([...path, key], inner);
  };

  if (!isPlainObject(document)) {
    refuse([{ label: locate([]), problem: `must hold keys such as ${topLevel.join(", ")}` }]);
    return { settings };
  }
  for (const [key, value] of Object.entries(document)) {
    if (!topLevel.includes(key)) complain([key], `there is no such key; ${nearest(key, topLevel)}`);
    else if (key === "optimizer" && typeof value === "string") set(["optimizer", "name"], value);
    else if (sections.some((section) => section === key)) {
      // An empty section of a YAML file is null.
      if (value === null) continue;
      if (!isPlainObject(value)) complain([key], "must be a section of keys and values");
      else if (key === "plugins") readPlugins(value, set, walk);
      else walk([key], value);
    } else if (key !== "preset" && key !== "quick") set([key], value);
  }
  const { preset, quick } = document;
  if (preset !== undefined && preset !== null && typeof preset !== "string") {
    complain(["preset"], "must be the name of a preset");
  }
  if (quick !== undefined && typeof quick !== "boolean") complain(["quick"], "must be true or false");
  refuse(problems);
  return {
    ...(typeof preset === "string" ? { preset } : {}),
    ...(typeof quick === "boolean" ? { quick } : {}),
    settings,
  };
}

function readPlugins(
  plugins: Readonly<Record<string, unknown>>,
  set: (path: readonly string[], value: unknown) => void,
  walk: (path: readonly string[], value: unknown) => void,
): void {
  for (const [name, value] of Object.entries(plugins)) {
    const path = ["plugins", name];
    if (value === null) set(path, true);
    else if (!isPlainObject(value)) set(path, value);
    else {
      set(path, true);
      walk(path, value);
    }
  }
}
