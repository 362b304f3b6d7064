import type { Assembly } from "../../assemble.ts";
import { firstCursor } from "../../data/cursor.ts";
import { disposeState } from "../../engine/eager.ts";
import { clockAtStart } from "../../run.ts";
import { mapTree, prefixed } from "../../tree.ts";
import type { DType, Node, Outputs } from "../node.ts";
import { traceStep } from "../trace/step.ts";
import { leavesOf } from "./adopt.ts";

/** The first step of a run as a graph, recorded for a batch of its data. Throws as tracing does. */
export async function recordStep(
  assembly: Assembly,
  batchSize: number,
): Promise<{ readonly inputs: readonly Node[]; readonly outputs: Outputs }> {
  const dataset = await assembly.task.dataset();
  const { batch } = await dataset.read(firstCursor(0), batchSize);
  await dataset.close?.();
  const state = assembly.initialState();
  const specs = {
    state: mapTree(({ shape, dtype }) => ({ shape, dtype: dtype as DType }), leavesOf(state)),
    batch,
    scalars: Object.keys(assembly.scalarsAt(clockAtStart)),
  };
  disposeState(state);
  const graph = traceStep(assembly.program, specs);
  return {
    inputs: Object.values(graph.inputs),
    outputs: {
      ...Object.fromEntries(Object.entries(graph.state).map(([path, node]) => [`next/${path}`, node])),
      ...prefixed("reported", graph.metrics),
      finite: graph.finite,
    },
  };
}
