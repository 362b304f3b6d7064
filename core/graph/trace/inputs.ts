import * as tf from "@tensorflow/tfjs-core";
import { acting } from "../../acting.ts";
import { isDifferentiating } from "../../autodiff/stop-gradient.ts";
import type { Repeat, StepInputs, StepRandom, TrainState } from "../../state.ts";
import { mapTree, subtree, type Tree } from "../../tree.ts";
import { graphErrors } from "../errors.ts";
import type { DType, Node, Shape } from "../node.ts";
import type { Draw, DrawPlan } from "./random.ts";
import type { Tracer } from "./trace.ts";

export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}
type Specs = Readonly<Record<string, Spec>>;

/** What a step is traced for: the shapes it is fed. */
export interface StepSpecs {
  /** By "params/…", "opt/…", "slots/…". */
  readonly state: Specs;
  readonly batch: Specs;
  readonly scalars: readonly string[];
}

/** Symbolic inputs as they are made, by name. */
function createEntry({ build, tensor }: Tracer) {
  const nodes: Record<string, Node> = {};
  return {
    nodes,
    enter(name: string, { shape, dtype }: Spec): tf.Tensor {
      const node = build.input(name, shape, dtype);
      nodes[name] = node;
      return tensor(node);
    },
  };
}

/** A symbolic state, by state path. */
export function enterState(tracer: Tracer, specs: Specs): { state: TrainState; nodes: Readonly<Record<string, Node>> } {
  const { nodes, enter } = createEntry(tracer);
  const all: Tree = mapTree((spec, path) => enter(path, spec), specs);
  return {
    nodes,
    state: { params: subtree(all, "params"), opt: subtree(all, "opt"), slots: subtree(all, "slots") },
  };
}

/**
 * Symbolic tensors for what a step is fed besides its state: `batch/…`, `scalars/…` and `random/…`, after `prefix`.
 * `stream` names the draws apart from those of another graph that shares the rest.
 */
export function enterInputs(tracer: Tracer, specs: StepSpecs, prefix = "", stream = "random") {
  const { nodes, enter } = createEntry(tracer);
  const batch = mapTree((spec, name) => enter(`${prefix}batch/${name}`, spec), specs.batch);
  const scalars = Object.fromEntries(
    specs.scalars.map((name) => [
      name,
      enter(`${prefix}scalars/${name}`, { shape: [], dtype: "float32" }) as tf.Scalar,
    ]),
  );
  const { draws, ...drawing } = enterDraws(tracer, nodes, `${prefix}${stream}`);
  const inputs: StepInputs = { batch, scalars, ...drawing };
  return { inputs, nodes, draws };
}

/** Symbolic draws, which become inputs in `nodes` under names that begin with `stream`, and loops that may draw. */
export function enterDraws(tracer: Tracer, nodes: Record<string, Node>, stream: string) {
  const { build } = tracer;
  const draws: DrawPlan[number][] = [];
  /** Where draws go now, and for each loop around, its iteration and how often it runs. */
  let list = draws;
  const loops: { readonly iteration: Node; readonly times: number }[] = [];
  let drawn = 0;
  const draw = (kind: Draw["kind"], shape: Shape, min: number, max: number): tf.Tensor => {
    // Named by all that is drawn, so that another draw at another time shows as another graph.
    const range = kind === "normal" ? "" : ` in [${min}, ${max})`;
    const name = `${stream}/${drawn++} ${kind}${range}`;
    list.push({ name, kind, shape, min, max });
    const times = loops.map((loop) => loop.times);
    let node = build.input(name, [...times, ...shape]);
    nodes[name] = node;
    for (const { iteration } of loops) node = build.gather(node, iteration, 0);
    return tracer.tensor(node);
  };
  const random: StepRandom = {
    normal: (shape) => draw("normal", shape, 0, 1),
    uniform: (shape, min = 0, max = 1) => draw("uniform", shape, min, max),
  };

  const repeat: Repeat = (times, start, body) => {
    // A loop is one node, through which no tape and no tangent can see; a short one is as fast unrolled.
    if (times <= 4 || isDifferentiating()) return unrolled(times, start, body);
    const paths = Object.keys(start);
    const outer = list;
    const inner: DrawPlan[number][] = [];
    const results = build.loop(
      times,
      paths.map((path) => tracer.node(start[path]!)),
      (carried, iteration) => {
        list = inner;
        loops.push({ iteration, times });
        const now = Object.fromEntries(paths.map((path, i) => [path, tracer.tensor(carried[i]!)]));
        const next = body(now, tracer.tensor(iteration) as tf.Scalar);
        loops.pop();
        list = outer;
        return paths.map((path, i) => carriedOn(path, carried[i]!, next[path] && tracer.node(next[path])));
      },
    );
    if (inner.length > 0) list.push({ times, draws: inner });
    return Object.fromEntries(paths.map((path, i) => [path, tracer.tensor(results[i]!)]));
  };

  return { random, repeat, draws: draws as DrawPlan };
}

/** What an iteration returns under a name, if it fits. Throws MF_TRACE_REPEAT. */
function carriedOn(path: string, before: Node, after: Node | undefined): Node {
  const written = ({ dtype, shape }: Node): string => `${dtype} [${shape}]`;
  if (after !== undefined && written(after) === written(before)) return after;
  const problem =
    after === undefined ? `returns no "${path}"` : `turns "${path}" from ${written(before)} to ${written(after)}`;
  throw graphErrors.MF_TRACE_REPEAT({ where: acting(), problem });
}

const unrolled: Repeat = (times, start, body) => {
  let now = start;
  for (let i = 0; i < times; i++) now = body(now, tf.scalar(i, "int32"));
  return now;
};
