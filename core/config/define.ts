import type { BackendName } from "../engine/backend.ts";
import type { EngineName } from "../engine/open.ts";
import type { Device } from "../graph/runtime/runtime.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import type { Plugin } from "../plugin.ts";
import type { TrainOptions } from "./schema.ts";

/** Takes a plugin of the preset out of the run. */
export interface Without {
  readonly without: string;
}
export const without = (name: string): Without => Object.freeze({ without: name });

type Nested<T> = T | false | null | undefined | readonly Nested<T>[];

/** What a config file or a preset says. Everything is optional; layers above and below fill the rest. */
export interface Config {
  /** A preset to start from. One level: a preset extends nothing. */
  readonly extends?: Config;
  /** Name of the preset, set by `definePreset`. */
  readonly preset?: string;
  /** The run's folder below `runs/`; default: the preset's name and a number. */
  readonly name?: string;
  readonly backend?: BackendName;
  readonly engine?: EngineName;
  readonly device?: Device;
  /** Merged by name: a later one replaces an earlier one in its place. Nested lists are flattened, falsy entries dropped. */
  readonly plugins?: Nested<Plugin | Without>;
  readonly optimizer?: Optimizer;
  readonly train?: Partial<TrainOptions>;
}

/** Gives a config file its types; it returns what it is given. */
export function defineConfig(config: Config): Config;
export function defineConfig(config: () => Config | Promise<Config>): () => Config | Promise<Config>;
export function defineConfig(config: unknown): unknown {
  return config;
}

export interface PresetOptions {
  /** A version that ends in minutes on two cores, for a first look and for CI. */
  readonly quick?: boolean;
}

export interface Preset {
  (options?: PresetOptions): Config;
  readonly presetName: string;
  readonly summary: string;
}

/** Makes a preset: a named function from `{ quick }` to a config. */
export function definePreset(spec: {
  readonly name: string;
  /** One line for `mf presets`. */
  readonly summary: string;
  build(options: Required<PresetOptions>): Config;
}): Preset {
  const preset = (options: PresetOptions = {}): Config => ({
    ...spec.build({ quick: false, ...options }),
    preset: spec.name,
  });
  return Object.assign(preset, { presetName: spec.name, summary: spec.summary });
}
