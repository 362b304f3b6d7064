import { actAs } from "../acting.ts";
import { toHost } from "../checkpoint/snapshot.ts";
import { isMfError, type MfError } from "../errors.ts";
import type { Values } from "../graph/node.ts";
import { type OnnxModel, toOnnx } from "../graph/onnx/model.ts";
import { trace } from "../graph/trace/trace.ts";
import type { ArraySpec, Task } from "../task.ts";
import { mapTree, type Tree } from "../tree.ts";
import { exportErrors } from "./errors.ts";

/** What the open dimension of inputs and outputs is called in the file. */
export const BATCH = "batch";

/** A prime that is no size of anything else, so that what depends on the batch can be told. */
const ROWS = 9973;

/**
 * The inference function of a task as an ONNX graph of standard operators: parameters inside as initializers under their
 * own names, inputs and outputs under theirs, any number of rows. Throws MF_EXPORT_NONE, MF_EXPORT_TRACE.
 */
export function inferenceToOnnx({ name: task, inference }: Task, params: Tree): OnnxModel {
  if (inference === undefined) throw exportErrors.MF_EXPORT_NONE({ task });
  const weights = mapTree(({ data }): Values => data, toHost(params));
  try {
    return trace(({ build, tensor, node }) => {
      const enter = ({ shape, dtype = "float32" }: ArraySpec, input: string) =>
        build.input(input, [ROWS, ...shape], dtype);
      const inputs = mapTree(enter, inference.inputs);
      const parameters = mapTree(({ shape, dtype }, path) => build.input(path, shape, dtype as "float32"), params);
      const results = actAs(`${task}, inference`, () =>
        inference.run(mapTree(tensor, parameters), mapTree(tensor, inputs)),
      );
      const graph = {
        inputs: [...Object.values(inputs), ...Object.values(parameters)],
        outputs: mapTree((_, output) => node(results[output]!), inference.outputs),
      };
      return toOnnx(graph, {
        name: task,
        standardOnly: true,
        dynamic: { size: ROWS, name: BATCH },
        weights: new Map(Object.entries(weights)),
      });
    });
  } catch (cause) {
    const reason = isMfError(cause) ? reasonOf(cause) : null;
    throw reason === null ? cause : exportErrors.MF_EXPORT_TRACE({ task, reason }, { cause });
  }
}

/** Why a function cannot be recorded or written; null for other errors. The trace's own advice is for training steps. */
function reasonOf({ code, detail, message }: MfError): string | null {
  if (code === "MF_TRACE_READ") return "it reads the value of a tensor, which has none while it is recorded.";
  if (code === "MF_TRACE_KERNEL") return `it uses ${(detail as { kernel: string }).kernel}, which has no graph form.`;
  return code.startsWith("MF_ONNX_") ? message : null;
}
