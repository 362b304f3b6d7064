import * as tf from "@tensorflow/tfjs-core";
import { withoutReads } from "../../engine/no-reads.ts";
import type { StepProgram } from "../../step.ts";
import { mapTree } from "../../tree.ts";
import type { Node } from "../node.ts";
import { enterInputs, enterState, type StepSpecs } from "./inputs.ts";
import type { DrawPlan } from "./random.ts";
import { outside, stateNodes, takeMetrics } from "./step.ts";
import { trace } from "./trace.ts";

/** A whole step as one graph for a device that keeps the state: all micro-batches, and the choice of the next state. */
export interface DeviceGraph {
  /** By state path. */
  readonly before: Readonly<Record<string, Node>>;
  /** The new state, or the old one where the step is not finite. */
  readonly after: Readonly<Record<string, Node>>;
  readonly finite: Node;
  readonly metrics: Readonly<Record<string, Node>>;
  readonly exposed: Readonly<Record<string, Node>>;
  /** Of each micro-batch: its inputs, by "0/batch/…", "0/scalars/…", "0/random/…", and its draws. */
  readonly micro: readonly { readonly inputs: Readonly<Record<string, Node>>; readonly draws: DrawPlan }[];
}

/** Gradients and metrics are means over the micro-batches, and slots go from one to the next, as in the other engines. */
export function traceDeviceStep(program: StepProgram, specs: StepSpecs, microBatches: number): DeviceGraph {
  return trace((tracer) => {
    const { build, node } = tracer;
    const { state, nodes } = enterState(tracer, specs.state);
    const share = 1 / microBatches;
    const mean = (parts: readonly Readonly<Record<string, tf.Tensor>>[]): Record<string, tf.Tensor> =>
      mapTree((_, path) => tf.mul(tf.addN(parts.map((part) => part[path]!)), share), parts[0]!);

    const fed = Array.from({ length: microBatches }, (_, i) => enterInputs(tracer, specs, `${i}/`));
    let { slots } = state;
    const backwards = fed.map(({ inputs }) => {
      const backward = withoutReads(() => program.backward({ ...state, slots }, inputs));
      slots = backward.slots;
      return backward;
    });
    const backward =
      microBatches === 1
        ? backwards[0]!
        : {
            grads: mean(backwards.map((b) => b.grads)),
            slots,
            metrics: mean(backwards.map((b) => b.metrics)) as Record<string, tf.Scalar>,
          };
    const update = withoutReads(() => program.update(state, backward, fed.at(-1)!.inputs));
    const finite = node(update.finite);
    const choose = build.cast(finite, "bool");
    const after = mapTree(
      (next, path) => (next === nodes[path] ? next : build.where(choose, next, nodes[path]!)),
      stateNodes(tracer, update.state),
    );
    const metrics = takeMetrics(tracer, { ...backward.metrics, ...update.metrics });
    for (const { metrics } of backwards) tf.dispose(metrics as tf.NamedTensorMap);
    const exposed = outside(mapTree(node, update.exposed));
    const micro = fed.map(({ nodes: inputs, draws }) => ({ inputs, draws }));
    return { before: nodes, after, finite, metrics, exposed, micro };
  });
}
