import type { BackendName } from "../engine/backend.ts";
import type { EngineName } from "../engine/open.ts";
import { errors } from "../errors.ts";
import type { Device } from "../graph/runtime/runtime.ts";
import type { Json } from "../json.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import type { Plugin, PluginFactory } from "../plugin.ts";
import { applyConfig, pluginsOf } from "./apply-config.ts";
import { applySettings } from "./apply-settings.ts";
import type { Config } from "./define.ts";
import { createDraft, type Draft, optimizerData } from "./draft.ts";
import type { LoadedConfig } from "./load.ts";
import { readEnvironment } from "./overrides.ts";
import type { Registry } from "./registry.ts";
import type { TrainOptions } from "./schema.ts";
import { nearest, readDocument, refuse, type Setting } from "./settings.ts";

/** A configuration with every value decided and checked. */
export interface ResolvedConfig {
  readonly preset: string | null;
  /** The run's folder below `runs/`; null when nobody named it. */
  readonly name: string | null;
  readonly backend: BackendName;
  readonly engine: EngineName;
  readonly device: Device;
  readonly plugins: readonly Plugin[];
  readonly optimizer: Optimizer;
  readonly train: TrainOptions;
  /** Where each value of `data` came from, by dotted path: `train.batchSize` → `--batch-size`. */
  readonly origins: Readonly<Record<string, string>>;
  /** The same as plain data, complete: `configFromData` makes this configuration of it again. */
  readonly data: Json;
}

export interface ResolveRequest {
  readonly registry: Registry;
  /** Named on the command line. */
  readonly preset?: string;
  /** The preset's quick form. */
  readonly quick?: boolean;
  readonly file?: LoadedConfig;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The configuration of a run, to train on with; it stands in for preset and file. */
  readonly saved?: Json;
  /** As `readFlags` reads them. */
  readonly flags?: readonly Setting[];
}

/**
 * Lays the layers over each other: defaults ← preset ← file ← environment ← command line. A preset named on the command
 * line takes the place of the one the file extends; a file that was only found, and not asked for with `--config`, is
 * then set aside when it starts from a preset itself. Throws MF_CONFIG and MF_UNKNOWN naming the flag, the variable, or file and line.
 */
export function resolveConfig(request: ResolveRequest): ResolvedConfig {
  const { file, env = {}, flags = [], saved } = request;
  const registry = registryWith(request.registry, file);
  if (saved !== undefined) {
    const { draft, preset } = draftOfData(saved, registry);
    applySettings(draft, readEnvironment(env, registry), registry);
    applySettings(draft, flags, registry);
    return finish(draft, preset, savedOrigin);
  }
  const data = file?.document === undefined ? undefined : readDocument(file.document, file.locate);
  const config = file?.config;
  const extended = config?.extends?.preset ?? data?.preset ?? null;
  const setAside =
    file !== undefined &&
    !file.asked &&
    request.preset !== undefined &&
    (extended !== null || config?.extends !== undefined);
  const base = setAside
    ? baseOf(request, undefined, undefined, registry)
    : baseOf(request, file, { quick: data?.quick, extended, config }, registry);

  const draft = createDraft(registry);
  if (base.config !== undefined) applyConfig(draft, base.config, base.label, registry);
  if (!setAside && config !== undefined) applyConfig(draft, config, file!.name, registry);
  if (!setAside && data !== undefined) applySettings(draft, data.settings, registry);
  applySettings(draft, readEnvironment(env, registry), registry);
  applySettings(draft, flags, registry);
  const note = setAside ? `; ${file!.name} extends ${extended ?? "something else"} and is set aside` : "";
  return finish(draft, base.preset, base.origin + note);
}

/**
 * The configuration that a `ResolvedConfig.data` describes, with these settings laid over it. Throws MF_CONFIG for what the
 * registry does not know.
 */
export function configFromData(saved: Json, registry: Registry, settings: readonly Setting[] = []): ResolvedConfig {
  const { draft, preset } = draftOfData(saved, registry);
  applySettings(draft, settings, registry);
  return finish(draft, preset, savedOrigin);
}

const savedOrigin = "saved configuration";

function draftOfData(saved: Json, registry: Registry): { draft: Draft; preset: string | null } {
  const { preset, settings } = readDocument(saved, () => savedOrigin);
  const draft = createDraft(registry);
  applySettings(draft, settings, registry);
  return { draft, preset: preset ?? null };
}

/** The registry with the plugins that a TypeScript config brings along, so that flags reach their options too. */
export function registryWith(registry: Registry, file: LoadedConfig | undefined): Registry {
  const own = file?.config === undefined ? [] : pluginsOf(file.config);
  const fresh = own.filter((p, i) => own.findIndex((q) => q.name === p.name) === i && !isKnown(p.name, registry));
  if (fresh.length === 0) return registry;
  return { ...registry, plugins: [...registry.plugins, ...fresh.map(factoryOf)] };
}

const isKnown = (name: string, registry: Registry): boolean => registry.plugins.some((p) => p.pluginName === name);

const factoryOf = (plugin: Plugin): PluginFactory<never> =>
  Object.assign((options?: Readonly<Record<string, unknown>>) => plugin.with(options ?? {}), {
    pluginName: plugin.name,
    summary: plugin.summary,
    provides: plugin.provides,
    schema: plugin.schema,
  });

interface Base {
  readonly preset: string | null;
  readonly config: Config | undefined;
  readonly origin: string;
  /** What errors name. */
  readonly label: string;
}

function baseOf(
  { preset: asked, quick: askedQuick }: ResolveRequest,
  file: LoadedConfig | undefined,
  inFile: { quick: boolean | undefined; extended: string | null; config: Config | undefined } | undefined,
  registry: Registry,
): Base {
  const quick = askedQuick ?? inFile?.quick ?? false;
  const name = asked ?? inFile?.extended ?? null;
  const origin = asked !== undefined ? "command line" : (file?.locate(["preset"]) ?? "none");
  const given = inFile?.config?.extends;
  if (given?.extends !== undefined) {
    refuse([{ label: `${file!.name} extends`, problem: "a preset extends nothing: one level is all there is" }]);
  }
  const label = name === null ? `${file?.name} extends` : `preset ${name}`;
  // The file may have built the preset in a way of its own.
  if (given !== undefined && (given.preset ?? null) === name && !quick)
    return { preset: name, config: given, origin, label };
  if (name === null) {
    if (!quick) return { preset: null, config: given, origin, label };
    throw errors.MF_USAGE({ problem: "--quick needs a preset.", usage: "Name one: mf train <preset> --quick." });
  }
  const preset = registry.presets.find((p) => p.presetName === name);
  if (preset === undefined) {
    const known = registry.presets.map((p) => p.presetName);
    if (asked === undefined)
      refuse([{ label: `${origin} preset`, problem: `there is no preset "${name}"; ${nearest(name, known)}` }]);
    throw errors.MF_UNKNOWN({ kind: "preset", name, known });
  }
  return { preset: name, config: preset({ quick }), origin: quick ? `${origin}, quick` : origin, label };
}

function finish(draft: Draft, preset: string | null, presetOrigin: string): ResolvedConfig {
  const { run, train, optimizer } = draft;
  const plugins = [...draft.plugins.values()];
  const data = {
    preset,
    ...run,
    optimizer: optimizerData(optimizer),
    train,
    plugins: Object.fromEntries(plugins.map((p) => [p.name, p.options])),
  };
  return Object.freeze({
    preset,
    ...run,
    plugins,
    optimizer,
    train,
    origins: Object.freeze({ preset: presetOrigin, ...Object.fromEntries(draft.origins) }),
    data: JSON.parse(JSON.stringify(data)) as Json,
  });
}
