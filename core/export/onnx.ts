import { toHost } from "../checkpoint/snapshot.ts";
import { isMfError } from "../errors.ts";
import { inferenceModel } from "../graph/inference.ts";
import type { Values } from "../graph/node.ts";
import type { OnnxModel } from "../graph/onnx/model.ts";
import type { Task } from "../task.ts";
import { mapTree, type Tree } from "../tree.ts";
import { exportErrors } from "./errors.ts";

/**
 * The inference function of a task as an ONNX graph of standard operators: parameters inside as initializers under their
 * own names, inputs and outputs under theirs, any number of rows. Throws MF_EXPORT_NONE, MF_EXPORT_UNTRACEABLE,
 * MF_EXPORT_TRACE.
 */
export function inferenceToOnnx({ name: task, inference }: Task, params: Tree): OnnxModel {
  if (inference === undefined) throw exportErrors.MF_EXPORT_NONE({ task });
  const { untraceable } = inference;
  if (untraceable !== undefined) throw exportErrors.MF_EXPORT_UNTRACEABLE({ task, reason: untraceable });
  const weights = mapTree(({ data }): Values => data, toHost(params));
  try {
    return inferenceModel(inference, params, { name: task, standardOnly: true, weights });
  } catch (cause) {
    if (!isMfError(cause) || cause.code !== "MF_INFERENCE_TRACE") throw cause;
    const { reason } = cause.detail as { reason: string };
    throw exportErrors.MF_EXPORT_TRACE({ task, reason }, { cause });
  }
}
