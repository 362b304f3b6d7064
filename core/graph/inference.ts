import type { HostBatch } from "../data/host-tensor.ts";
import { isMfError, type MfError } from "../errors.ts";
import type { Inference } from "../task.ts";
import type { Tree } from "../tree.ts";
import { graphErrors } from "./errors.ts";
import type { Values } from "./node.ts";
import { type OnnxModel, type OnnxOptions, toOnnx } from "./onnx/model.ts";
import type { Session } from "./runtime/session.ts";
import { openRows, traceInference } from "./trace/inference.ts";

/**
 * An inference function as an ONNX model: inputs, outputs and parameters under their own names, any number of rows,
 * what is drawn as constants inside. Parameters in `weights` are constants too. Throws MF_INFERENCE_TRACE.
 */
export function inferenceModel(
  inference: Inference,
  params: Tree,
  options: Pick<OnnxOptions, "name" | "standardOnly" | "fusions"> & {
    readonly weights?: Readonly<Record<string, Values>>;
  },
): OnnxModel {
  try {
    const { draws, ...graph } = traceInference(inference, params);
    const weights = new Map([...draws, ...Object.entries(options.weights ?? {})]);
    return toOnnx(graph, { ...options, dynamic: openRows, weights });
  } catch (cause) {
    const reason = isMfError(cause) ? reasonOf(cause) : null;
    throw reason === null ? cause : graphErrors.MF_INFERENCE_TRACE({ reason }, { cause });
  }
}

/** Runs a compiled inference function on those of the arrays that it reads. */
export async function runInference(session: Session, arrays: HostBatch): Promise<HostBatch> {
  const read = session.inputs.map((name) => [name, arrays[name]!]);
  return (await session.run(Object.fromEntries(read))) as HostBatch;
}

/** Why a function cannot be recorded or written; null for other errors. The trace's own advice is for steps. */
function reasonOf({ code, detail, message }: MfError): string | null {
  if (code === "MF_TRACE_READ") return "it reads the value of a tensor, which has none while it is recorded.";
  if (code === "MF_TRACE_KERNEL") return `it uses ${(detail as { kernel: string }).kernel}, which has no graph form.`;
  if (code === "MF_TRACE_REPEAT") return `the body of its repeat ${(detail as { problem: string }).problem}.`;
  return code.startsWith("MF_ONNX_") ? message : null;
}
