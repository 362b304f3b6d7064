import { errors, isMfError } from "../core/errors.ts";
import type { KnownMetadata } from "../core/export/metadata.ts";
import type { Json } from "../core/json.ts";
import type { Inference, InferRequest, Predict } from "../core/task.ts";
import type { OpenedRun } from "../core/train.ts";
import type { Context } from "./command.ts";
import { knownRegistry, locateRun } from "./settings.ts";

export interface OpenFlags {
  readonly checkpoint?: string;
  readonly backend?: string;
}

/** Opens a run as the user names it, with the configuration it was trained with, on another backend where asked. */
export async function open(place: string, { checkpoint, backend }: OpenFlags, context: Context): Promise<OpenedRun> {
  const path = locateRun(context, place);
  const [{ openRun }, { backendSchema }, { configFromData }, registry] = await Promise.all([
    import("../core/train.ts"),
    import("../core/config/schema.ts"),
    import("../core/config/resolve.ts"),
    knownRegistry(context),
  ]);
  if (!backendSchema.optional().safeParse(backend).success) {
    throw errors.MF_UNKNOWN({ kind: "backend", name: backend!, known: backendSchema.def.innerType.options });
  }
  const configOf = (saved: Json) =>
    configFromData(backend === undefined ? saved : { ...(saved as Record<string, Json>), backend }, registry);
  return openRun(path, { configOf, log: context.output, ...(checkpoint === undefined ? {} : { which: checkpoint }) });
}

/** A trained model that answers: a run's, or an exported file's. */
export interface OpenedModel {
  /** The checkpoint, or the file. */
  readonly model: string;
  answer(request: InferRequest): Promise<Json>;
  close(): Promise<void>;
}

/** Opens a run, or an .onnx file of `mf export`, to be asked. */
export const openToAsk = (place: string, flags: OpenFlags, context: Context): Promise<OpenedModel> =>
  place.endsWith(".onnx") ? askFile(place, flags, context) : askRun(place, flags, context);

async function askRun(place: string, flags: OpenFlags, context: Context): Promise<OpenedModel> {
  const [run, { predictWith }] = await Promise.all([open(place, flags, context), import("../core/inference.ts")]);
  const { name, inference } = run.assembly.task;
  if (inference === undefined) {
    await run.close();
    throw errors.MF_USAGE({ problem: `The task "${name}" answers no requests.`, usage: "Measure it with mf eval." });
  }
  return {
    model: run.checkpoint,
    answer: (request) => answerOf(inference, inference.inputs, predictWith(inference, run.params), request),
    close: () => run.close(),
  };
}

async function askFile(file: string, { checkpoint, backend }: OpenFlags, context: Context): Promise<OpenedModel> {
  if (checkpoint !== undefined || backend !== undefined) {
    const flag = checkpoint === undefined ? "--backend" : "--checkpoint";
    const problem = `${flag} is for runs; "${file}" is one model, run by ONNX Runtime.`;
    throw errors.MF_USAGE({ problem, usage: "Leave it out." });
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
