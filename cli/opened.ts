import type { Command } from "commander";
import type { Change } from "../core/config/changes.ts";
import { errors, isMfError } from "../core/errors.ts";
import type { KnownMetadata } from "../core/export/metadata.ts";
import type { Json } from "../core/json.ts";
import type { Inference, InferRequest, Predict } from "../core/task.ts";
import type { OpenedRun } from "../core/train.ts";
import type { Context } from "./command.ts";
import { oneLine, table } from "./output.ts";
import { type AskedModel, knownRegistry, locateRun, readModel } from "./settings.ts";

export interface OpenFlags {
  readonly checkpoint?: string;
}

/** A run, and which settings are not those it was trained with, by dotted path. */
export interface Opened {
  readonly run: OpenedRun;
  readonly changes: Readonly<Record<string, Change>>;
}

/** Opens the run that a command's words name, with the configuration it was trained with and their settings over it. */
export const open = async (
  words: readonly string[],
  flags: OpenFlags,
  command: Command,
  context: Context,
): Promise<Opened> => openAsked(await readModel(words, command, context), flags, context);

async function openAsked(
  { registry, place, settings }: AskedModel,
  { checkpoint: which }: OpenFlags,
  context: Context,
): Promise<Opened> {
  const path = locateRun(context, place);
  const [{ openRun }, { configFromData }, { changesBetween }] = await Promise.all([
    import("../core/train.ts"),
    import("../core/config/resolve.ts"),
    import("../core/config/changes.ts"),
  ]);
  const configOf = (saved: Json) => configFromData(saved, registry, settings);
  const run = await openRun(path, { configOf, log: context.output, ...(which === undefined ? {} : { which }) });
  // Of the saved configuration as it is read today: an option that is newer than the run is no change.
  return { run, changes: changesBetween(configFromData(run.manifest.config, registry).data, run.config.data) };
}

/** The changes for people, after an empty line; no lines when there are none. */
export function changedSettings(changes: Opened["changes"]): string[] {
  const rows = Object.entries(changes).map(([key, { before, after }]) => [key, oneLine(before), oneLine(after)]);
  return rows.length === 0 ? [] : ["", table(["setting", "in the run", "here"], rows)];
}

/** A trained model that answers: a run's, or an exported file's. */
export interface OpenedModel {
  /** The checkpoint, or the file. */
  readonly model: string;
  answer(request: InferRequest): Promise<Json>;
  close(): Promise<void>;
}

/** Opens a run, or an .onnx file of `mf export`, to be asked. */
export async function openToAsk(
  words: readonly string[],
  flags: OpenFlags,
  command: Command,
  context: Context,
): Promise<OpenedModel> {
  const asked = await readModel(words, command, context);
  return asked.place.endsWith(".onnx") ? askFile(asked, flags, context) : askRun(asked, flags, context);
}

async function askRun(asked: AskedModel, flags: OpenFlags, context: Context): Promise<OpenedModel> {
  const { run } = await openAsked(asked, flags, context);
  const { name, inference } = run.assembly.task;
  if (inference === undefined) {
    await run.close();
    throw errors.MF_USAGE({ problem: `The task "${name}" answers no requests.`, usage: "Measure it with mf eval." });
  }
  return {
    model: run.checkpoint,
    answer: (request) => answerOf(inference, inference.inputs, run.predict, request),
    close: () => run.close(),
  };
}

async function askFile(
  { place: file, settings }: AskedModel,
  { checkpoint }: OpenFlags,
  context: Context,
): Promise<OpenedModel> {
  const flag = checkpoint === undefined ? settings[0]?.label : "--checkpoint";
  if (flag !== undefined) {
    const problem = `${flag} is for runs; "${file}" is one model, run by ONNX Runtime.`;
    throw errors.MF_USAGE({ problem, usage: "Leave it out, or give it to mf export." });
  }
  const { openExported } = await import("../core/export/open.ts");
  const { metadata, predict, close } = await openExported(file);
  return {
    model: file,
    answer: async (request) => answerOf(await inferenceOf(metadata, context), metadata.inputs, predict, request),
    close: async () => close(),
  };
}

/** The task that a file was exported from, where it can be set up here: it measures answers, and knows the options. */
async function inferenceOf({ config, run, task }: KnownMetadata, context: Context): Promise<Inference | undefined> {
  const [{ assembleToAsk }, { configFromData }, registry] = await Promise.all([
    import("../core/train.ts"),
    import("../core/config/resolve.ts"),
    knownRegistry(context),
  ]);
  try {
    return assembleToAsk(configFromData(config, registry), run, context.output).task.inference;
  } catch (error) {
    if (!isMfError(error)) throw error;
    context.output.warn(`The task "${task}" cannot be set up here, so these are its plain outputs. ${error.message}`);
    return undefined;
  }
}

async function answerOf(
  inference: Inference | undefined,
  inputs: Inference["inputs"],
  predict: Predict,
  request: InferRequest,
): Promise<Json> {
  if (inference?.answer !== undefined) return inference.answer(predict, request);
  const { plainAnswer } = await import("../core/plain-answer.ts");
  return plainAnswer(inputs, predict, request);
}
