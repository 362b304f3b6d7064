import type { DataConverter, DataGenerator, DataInspector } from "../data/generator.ts";
import type { OptimizerFactory } from "../optimizer/optimizer.ts";
import type { PluginFactory } from "../plugin.ts";
import type { Preset } from "./define.ts";

/** What names in data files, flags and checkpoints stand for. The command line passes it in; core names no plugin. */
export interface Registry {
  readonly plugins: readonly PluginFactory<never>[];
  /** The first is the default. */
  readonly optimizers: readonly OptimizerFactory<never>[];
  readonly presets: readonly Preset[];
  readonly generators: readonly DataGenerator[];
  readonly converters: readonly DataConverter[];
  readonly inspectors: readonly DataInspector[];
}
