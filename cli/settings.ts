import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { LoadedConfig } from "../core/config/load.ts";
import type { Registry } from "../core/config/registry.ts";
import type { ResolvedConfig } from "../core/config/resolve.ts";
import type { Setting } from "../core/config/settings.ts";
import { errors } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Context } from "./command.ts";
import { takeTypeScriptAsModules } from "./typescript-modules.ts";

export interface ConfigOptions {
  readonly config?: string;
  readonly quick?: boolean;
}

/** The options of every command that resolves a configuration. */
export const withConfigOptions = (command: Command): Command =>
  command
    .option("--config <file>", "the configuration file; default: mf.config.* here")
    .option("--quick", "the preset's quick form");

/** What a command line says about the configuration, read but not resolved. */
export interface Asked {
  readonly registry: Registry;
  readonly file: LoadedConfig | undefined;
  readonly preset: string | undefined;
  /** The run's name, where the command line gives one. */
  readonly name: string | undefined;
  resolve(saved?: Json): ResolvedConfig;
}

/** Reads the preset and the settings among a command's words, and the configuration file. */
export async function readSettings(words: readonly string[], options: ConfigOptions, context: Context): Promise<Asked> {
  const [{ loadConfigFile }, { registryWith, resolveConfig }, { readFlags }, { loadRegistry }] = await Promise.all([
    import("../core/config/load.ts"),
    import("../core/config/resolve.ts"),
    import("../core/config/overrides.ts"),
    import("./registry.ts"),
  ]);
  takeTypeScriptAsModules();
  const file = await loadConfigFile(context.directory, options.config);
  const registry = registryWith(await loadRegistry(), file);
  const { positional, settings } = readFlags(words, registry);
  const preset = onlyWord(positional, "preset");
  return {
    registry,
    file,
    preset,
    name: settings.findLast((s) => s.path.join(".") === "name")?.value as string | undefined,
    resolve(saved) {
      if (preset === undefined && file === undefined && saved === undefined) {
        const usage = "Name one (mf presets lists them), or write mf.config.ts.";
        throw errors.MF_USAGE({ problem: "There is no preset and no configuration file.", usage });
      }
      const common = { registry, env: context.env, flags: settings, ...(options.quick ? { quick: true } : {}) };
      if (saved !== undefined) return resolveConfig({ ...common, saved });
      return resolveConfig({ ...common, ...(preset ? { preset } : {}), ...(file ? { file } : {}) });
    },
  };
}

function onlyWord([word, surplus]: readonly string[], what: string): string | undefined {
  if (surplus !== undefined) {
    const usage = `Write one ${what}, and settings as --key value.`;
    throw errors.MF_USAGE({ problem: `"${surplus}" is one word too many.`, usage });
  }
  return word;
}

/** What a command's words say of a trained model: which it is, and the settings to lay over its configuration. */
export interface AskedModel {
  readonly registry: Registry;
  readonly place: string;
  readonly settings: readonly Setting[];
}

/** Sections of a configuration that only training looks at. */
const ofTraining = ["name", "train", "optimizer"];

/**
 * Reads the model and the settings among a command's words. Throws MF_USAGE where there is no model, and for a setting of
 * training, which a trained model is past.
 */
export async function readModel(words: readonly string[], command: Command, context: Context): Promise<AskedModel> {
  const [{ readFlags }, registry] = await Promise.all([import("../core/config/overrides.ts"), knownRegistry(context)]);
  const { positional, settings } = readFlags(words, registry, longFlags(command));
  const place = onlyWord(positional, "run");
  if (place === undefined) {
    const usage = `Write it first: mf ${command.name()} <run> …; mf runs lists them.`;
    throw errors.MF_USAGE({ problem: "No run is named.", usage });
  }
  const past = settings.find(({ path: [section] }) => ofTraining.includes(section!));
  if (past !== undefined) {
    const usage = "Leave it out; what a trained model does is set by --task.…";
    throw errors.MF_USAGE({ problem: `${past.label} is a setting of training, and "${place}" is trained.`, usage });
  }
  return { registry, place, settings };
}

const longFlags = ({ options }: Command): string[] => options.map(({ long }) => long!);

/** The registry, with the plugins that the configuration file here brings along: a checkpoint may name them. */
export async function knownRegistry(context: Context): Promise<Registry> {
  return (await readSettings([], {}, context)).registry;
}

/** The folder of runs: `--runs`, else `MF_RUNS_DIR`, else `runs`. */
export const runsDirectory = ({ directory, env }: Context, asked?: string): string =>
  resolve(directory, asked || env["MF_RUNS_DIR"] || "runs");

/** A run or checkpoint as the user names it: a path, or the name of a run. */
export function locateRun(context: Context, place: string): string {
  const path = resolve(context.directory, place);
  if (existsSync(path)) return path;
  const run = join(runsDirectory(context), place);
  if (existsSync(run)) return run;
  throw errors.MF_FILE_MISSING({ what: "Run or checkpoint", path: place });
}
