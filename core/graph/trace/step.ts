import type * as tf from "@tensorflow/tfjs-core";
import { withoutReads } from "../../engine/no-reads.ts";
import type { Metrics, TrainState } from "../../state.ts";
import type { StepProgram } from "../../step.ts";
import { mapTree, prefixed, subtree } from "../../tree.ts";
import { graphErrors } from "../errors.ts";
import type { Node } from "../node.ts";
import { shareRows } from "../passes/shared-rows.ts";
import { enterInputs, enterState, type StepSpecs } from "./inputs.ts";
import type { DrawPlan } from "./random.ts";
import { type Tracer, trace } from "./trace.ts";

type Nodes = Readonly<Record<string, Node>>;

interface Part {
  /** The graph's inputs, by state path, "batch/…", "scalars/…" and "random/…". */
  readonly inputs: Nodes;
  readonly draws: DrawPlan;
  readonly metrics: Nodes;
}

/** `backward` of a step program as a graph. */
export interface BackwardGraph extends Part {
  readonly grads: Nodes;
  /** The slots after it, by "slots/…". */
  readonly slots: Nodes;
}

/** A whole step, or its second half, as a graph. */
export interface UpdateGraph extends Part {
  /** The gradients as they come out of the backward pass. */
  readonly grads: Nodes;
  /** By state path. */
  readonly state: Nodes;
  /** By the names that plugins gave them. */
  readonly exposed: Nodes;
  /** 1 when the update may be used. */
  readonly finite: Node;
}

/** The whole step: backward and update in one graph. */
export function traceStep(program: StepProgram, specs: StepSpecs): UpdateGraph {
  return trace((tracer) => {
    const { state, inputs, part } = enter(tracer, specs);
    const backward = withoutReads(() => program.backward(state, inputs));
    const update = withoutReads(() => program.update(state, backward, inputs));
    const { guard, ...results } = optimized(tracer, {
      grads: mapTree(tracer.node, backward.grads),
      metrics: takeMetrics(tracer, { ...backward.metrics, ...update.metrics }),
      state: stateNodes(tracer, update.state),
      exposed: outside(mapTree(tracer.node, update.exposed)),
      guard: { finite: tracer.node(update.finite) },
    });
    return { ...part(), ...results, finite: guard.finite! };
  });
}

/** The first half of a step that is split, for accumulation or an exchange of gradients. */
export function traceBackward(program: StepProgram, specs: StepSpecs): BackwardGraph {
  return trace((tracer) => {
    const { state, inputs, part } = enter(tracer, specs);
    const backward = withoutReads(() => program.backward(state, inputs));
    const metrics = takeMetrics(tracer, backward.metrics);
    const grads = mapTree(tracer.node, backward.grads);
    const slots = prefixed("slots", mapTree(tracer.node, backward.slots));
    return { ...part(), ...optimized(tracer, { grads, metrics, slots }) };
  });
}

/** The second half: gradients enter as "grads/…", the loss as "metrics/loss", and its draws are called "random/update/…". */
export function traceUpdate(program: StepProgram, specs: StepSpecs): UpdateGraph {
  return trace((tracer) => {
    const { state, inputs, part } = enter(tracer, specs, "random/update");
    const grads = mapTree(
      ({ shape, dtype }, path) => tracer.build.input(`grads/${path}`, shape, dtype),
      subtree(specs.state, "params"),
    );
    const loss = tracer.build.input("metrics/loss", []);
    const backward = {
      grads: mapTree(tracer.tensor, grads),
      slots: state.slots,
      metrics: { loss: tracer.tensor(loss) as tf.Scalar },
    };
    const update = withoutReads(() => program.update(state, backward, inputs));
    const fed = part();
    return {
      inputs: { ...fed.inputs, ...prefixed("grads", grads), "metrics/loss": loss },
      draws: fed.draws,
      metrics: takeMetrics(tracer, update.metrics),
      grads,
      state: stateNodes(tracer, update.state),
      exposed: outside(mapTree(tracer.node, update.exposed)),
      finite: tracer.node(update.finite),
    };
  });
}

/** Symbolic tensors for everything a step is fed. Inputs and draws are listed once the step has made them. */
function enter(tracer: Tracer, specs: StepSpecs, stream = "random") {
  const { state, nodes } = enterState(tracer, specs.state);
  const fed = enterInputs(tracer, specs, "", stream);
  return { state, inputs: fed.inputs, part: () => ({ inputs: { ...nodes, ...fed.nodes }, draws: fed.draws }) };
}

/** Passes over the whole graph, whose results come in groups. */
function optimized<G extends Readonly<Record<string, Nodes>>>({ build }: Tracer, groups: G): G {
  const flat = Object.entries(groups).flatMap(([group, nodes]) => Object.entries(prefixed(group, nodes)));
  const shared = shareRows(Object.fromEntries(flat), build);
  return mapTree((_, group) => subtree(shared, group), groups) as G;
}

/** A state's nodes by path. */
export const stateNodes = (tracer: Tracer, { params, opt, slots }: TrainState): Record<string, Node> =>
  outside(
    mapTree(tracer.node, { ...prefixed("params", params), ...prefixed("opt", opt), ...prefixed("slots", slots) }),
  );

/** Metrics are kept tensors, which no tidy frees. */
export function takeMetrics(tracer: Tracer, metrics: Metrics): Record<string, Node> {
  const nodes = mapTree(tracer.node, metrics);
  for (const metric of Object.values(metrics)) metric.dispose();
  return outside(nodes);
}

/** Nodes of a function, none of which is a value of one iteration of a loop. Throws MF_TRACE_REPEAT. */
export function outside(nodes: Record<string, Node>): Record<string, Node> {
  const escaped = entryWithin(Object.values(nodes), new Set());
  if (escaped === null) return nodes;
  throw graphErrors.MF_TRACE_REPEAT({ where: escaped.origin, problem: "makes a value that is used outside of it" });
}

/** A LoopInput that the roots depend on without going through its loop, other than those of the loops around. */
function entryWithin(roots: readonly Node[], around: ReadonlySet<Node>): Node | null {
  const seen = new Set<Node>();
  const stack = [...roots];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === "LoopInput" && !around.has(node)) return node;
    if (node.body !== undefined) {
      const { iteration, carried, results } = node.body;
      const found = entryWithin(results, new Set([...around, iteration, ...carried]));
      if (found !== null) return found;
    }
    stack.push(...node.inputs);
  }
  return null;
}
