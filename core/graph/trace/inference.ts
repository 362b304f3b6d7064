import { actAs } from "../../acting.ts";
import { streamOf } from "../../inference.ts";
import type { ArraySpec, Inference } from "../../task.ts";
import { mapTree, type Tree } from "../../tree.ts";
import { type DType, type Node, sizeOf, type Values } from "../node.ts";
import type { Dynamic } from "../onnx/batch.ts";
import { onnxErrors } from "../onnx/errors.ts";
import { enterDraws } from "./inputs.ts";
import { type DrawPlan, fillDraws } from "./random.ts";
import { outside } from "./step.ts";
import { trace } from "./trace.ts";

/** The rows while an inference function is recorded: a prime that is the size of nothing else. */
export const openRows: Dynamic = { size: 9973, name: "batch" };

/** An inference function as a graph for any number of rows. */
export interface InferenceGraph {
  /** Those of the function by name, parameters by path, and draws. */
  readonly inputs: readonly Node[];
  /** By name. */
  readonly outputs: Readonly<Record<string, Node>>;
  /** What is drawn, the same at every call, by the names of the inputs it enters as. */
  readonly draws: ReadonlyMap<string, Values>;
}

/** Records an inference function for parameters of these shapes. Throws as tracing does, and MF_ONNX_BATCH_CONSTANT. */
export function traceInference(inference: Inference, params: Tree): InferenceGraph {
  return trace((tracer) => {
    const { build, tensor, node } = tracer;
    const enter = ({ shape, dtype = "float32" }: ArraySpec, name: string) =>
      build.input(name, [openRows.size, ...shape], dtype);
    const rows = mapTree(enter, inference.inputs);
    const parameters = mapTree(({ shape, dtype }, path) => build.input(path, shape, dtype as DType), params);
    const drawn: Record<string, Node> = {};
    const { draws, ...step } = enterDraws(tracer, drawn, "random");
    const results = actAs("inference", () => inference.run(mapTree(tensor, parameters), mapTree(tensor, rows), step));
    return {
      inputs: [...Object.values(rows), ...Object.values(parameters), ...Object.values(drawn)],
      outputs: outside(mapTree((_, name) => node(results[name]!), inference.outputs)),
      draws: drawsOf(inference, drawn, draws),
    };
  });
}

function drawsOf(inference: Inference, drawn: Readonly<Record<string, Node>>, plan: DrawPlan): Map<string, Values> {
  for (const [name, { shape, origin }] of Object.entries(drawn)) {
    if (!shape.some((d) => d > 0 && d % openRows.size === 0)) continue;
    throw onnxErrors.MF_ONNX_BATCH_CONSTANT({ node: `"${name}"`, origin, shape });
  }
  const values = mapTree(({ shape }) => new Float32Array(sizeOf(shape)), drawn);
  fillDraws(plan, streamOf(inference), (name) => values[name]!);
  return new Map(Object.entries(values));
}
