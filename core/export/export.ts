import { basename } from "node:path";
import { canonicalJson, sha256, weightsDigest } from "../checkpoint/digest.ts";
import { version } from "../checkpoint/manifest.ts";
import { toHost } from "../checkpoint/snapshot.ts";
import { writeAtomically } from "../data/bytes.ts";
import { encodeSafetensors } from "../data/safetensors.ts";
import { isMfError } from "../errors.ts";
import { ONNX_IR_VERSION, ONNX_OPSET } from "../graph/onnx/model.ts";
import { openRuntime, type Runtime } from "../graph/runtime/runtime.ts";
import { openRows } from "../graph/trace/inference.ts";
import { predictWith } from "../inference.ts";
import type { Log } from "../plugin.ts";
import type { InputSpec } from "../task.ts";
import type { OpenedRun } from "../train.ts";
import { mapTree, prefixed } from "../tree.ts";
import { asTexts, type Metadata, withMetadata } from "./metadata.ts";
import { inferenceToOnnx } from "./onnx.ts";
import { type Verification, verify } from "./verify.ts";

/** Where a model was written, and what is in the file. */
export interface Exported {
  readonly file: string;
  readonly bytes: number;
  readonly run: string;
  readonly checkpoint: string;
  readonly step: number;
  /** Of the parameters in the file: the averaged ones where the run keeps an average. */
  readonly weightsSha256: string;
}

export interface ExportedOnnx extends Exported {
  readonly opset: number;
  readonly irVersion: number;
  readonly nodes: number;
  /** Those that an output depends on. */
  readonly inputs: Readonly<Record<string, SavedSpec>>;
  readonly outputs: Readonly<Record<string, SavedSpec>>;
  /** Null where no ONNX Runtime is installed. */
  readonly verification: Verification | null;
}

/** An input or output as the file describes it: the shape begins with the name of the open dimension. */
export type SavedSpec = Omit<InputSpec, "shape" | "dtype"> & {
  readonly shape: readonly (string | number)[];
  readonly dtype: "float32" | "int32";
};

/** Writes the parameters to evaluate, by name, with the run's metadata. */
export async function exportSafetensors(run: OpenedRun, file: string): Promise<Exported> {
  const about = describe(run);
  const bytes = encodeSafetensors(toHost(run.params), asTexts(about.metadata));
  await writeAtomically(file, bytes);
  return { file, bytes: bytes.length, ...about.summary };
}

/**
 * Writes the task's inference function with the parameters to evaluate as one ONNX file, once ONNX Runtime gives what the
 * model gives; without the runtime it is written all the same, with a warning. Throws MF_EXPORT_NONE, MF_EXPORT_TRACE,
 * MF_EXPORT_DIFFERS.
 */
export async function exportOnnx(run: OpenedRun, file: string, log: Log): Promise<ExportedOnnx> {
  const { task } = run.assembly;
  const model = inferenceToOnnx(task, run.params);
  const inference = task.inference!;
  const { metadata, summary } = describe(run);
  const inputs = Object.fromEntries(model.inputs.map((name) => [name, saved(inference.inputs[name]!)]));
  const outputs = mapTree(saved, inference.outputs);
  const bytes = withMetadata(model.bytes, { ...metadata, inputs, outputs });
  const runtime = await runtimeIfInstalled(log);
  const verification =
    runtime === null ? null : await verify(bytes, runtime, inference, predictWith(inference, run.params));
  await writeAtomically(file, bytes);
  return {
    file,
    bytes: bytes.length,
    ...summary,
    opset: ONNX_OPSET,
    irVersion: ONNX_IR_VERSION,
    nodes: model.nodes,
    inputs,
    outputs,
    verification,
  };
}

function describe({ run, checkpoint: path, manifest, config, params, assembly }: OpenedRun) {
  const { clock, preset } = manifest;
  const checkpoint = basename(path);
  const weightsSha256 = weightsDigest(prefixed("params", toHost(params)));
  const metadata: Metadata = {
    ...assembly.task.inference?.metadata,
    motionforge: version,
    task: assembly.task.name,
    ...(preset === null ? {} : { preset }),
    run,
    checkpoint,
    step: clock.steps,
    weights_sha256: weightsSha256,
    config_sha256: sha256(canonicalJson(config.data)),
    config: config.data,
  };
  return { metadata, summary: { run, checkpoint, step: clock.steps, weightsSha256 } };
}

const saved = ({ shape, dtype = "float32", ...rest }: InputSpec): SavedSpec => ({
  shape: [openRows.name, ...shape],
  dtype,
  ...rest,
});

async function runtimeIfInstalled(log: Log): Promise<Runtime | null> {
  try {
    return await openRuntime();
  } catch (error) {
    if (!isMfError(error) || error.code !== "MF_RUNTIME_MISSING") throw error;
    log.warn(`The file is not verified. ${error.message}`);
    return null;
  }
}
