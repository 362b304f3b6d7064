import * as tf from "@tensorflow/tfjs-core";
import { acting } from "../../acting.ts";
import type { Builder, Rule } from "../builder.ts";
import { createBuilder } from "../builder.ts";
import { graphErrors } from "../errors.ts";
import type { Node } from "../node.ts";
import { TRACE, traceBackend } from "./backend.ts";

let depth = 0;

/** The clock of a run, which a step that is being recorded may not read: MF_TRACE_CLOCK. */
export function refuseWhileTracing(): void {
  if (depth > 0) throw graphErrors.MF_TRACE_CLOCK({ where: acting() });
}

/** What a function under trace is recorded by. */
export interface Tracer {
  readonly build: Builder;
  /** A symbolic tensor that stands for a node. */
  tensor(node: Node): tf.Tensor;
  /** The node of a tensor; one that is not symbolic becomes a constant. */
  node(tensor: tf.Tensor): Node;
}

/**
 * Runs `f` on symbolic tensors: each kernel becomes a node instead of a computation. No tensor of the trace outlives it,
 * so `f` returns nodes. Throws MF_TRACE_KERNEL, MF_TRACE_READ, MF_TRACE_KEPT.
 */
export function trace<T>(f: (tracer: Tracer) => T, rules?: readonly Rule[]): T {
  const backend = traceBackend();
  const engine = tf.engine();
  const before = tf.getBackend();
  const build = createBuilder(rules, acting);
  // Synchronous in fact: the backend it switches to is ready.
  void tf.setBackend(TRACE);
  backend.begin(build);
  engine.startScope("trace");
  depth += 1;
  try {
    return f({
      build,
      tensor: (node) => engine.makeTensorFromTensorInfo(backend.info(node)),
      node: (tensor) => backend.node(tensor),
    });
  } finally {
    depth -= 1;
    engine.endScope();
    backend.end();
    void tf.setBackend(before);
  }
}
