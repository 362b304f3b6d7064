import { mapTree, prefixed } from "../../tree.ts";
import type { Outputs, Values } from "../node.ts";
import { byteLength } from "../runtime/heap.ts";
import { planTail, type StatePair } from "../tail/plan.ts";
import { compileTail } from "../tail/wasm.ts";
import type { UpdateGraph } from "../trace/step.ts";
import { compilePart, type Part, type Places, type StepKit } from "./part.ts";

/** A compiled update of the state: a graph, and what follows it in place. */
export interface Update extends Part {
  /** After a run: true when the new state may be used. */
  isFinite(): boolean;
  /** After a run: writes the new state over the old one. */
  apply(): void;
  /** After a run: what the step reported. */
  metrics(): Record<string, number>;
  /** After a run: copies of what the step exposed. */
  exposed(): Record<string, Values>;
}

/**
 * Compiles a whole step, or its second half. The elementwise end of it (clipping, the optimizer, averages) does not go
 * through the runtime: it happens in place, in one pass over each tensor, once the step is known to be finite.
 */
export async function compileUpdate(name: string, graph: UpdateGraph, kit: StepKit): Promise<Update> {
  const { buffers, memory } = kit;
  const pairs: StatePair[] = Object.entries(graph.state).map(([path, after]) => ({
    name: path,
    before: graph.inputs[path]!,
    after,
  }));
  const plan = planTail(pairs, { barrier: new Set(Object.values(graph.grads)) });
  const inputPath = new Map(Object.entries(graph.inputs).map(([path, node]) => [node, path]));
  const frontier = plan.frontier.map((node, i) => inputPath.get(node) ?? `tail/${i}`);
  const scalars = plan.scalars.map((node, i) => inputPath.get(node) ?? `scalar/${i}`);
  const outputs: Outputs = {
    finite: graph.finite,
    ...prefixed("reported", graph.metrics),
    ...prefixed("exposed", graph.exposed),
    ...Object.fromEntries(plan.frontier.map((node, i) => [frontier[i]!, node])),
    ...Object.fromEntries(plan.scalars.map((node, i) => [scalars[i]!, node])),
    ...Object.fromEntries(plan.rest.map(({ name: path, after }) => [`next/${path}`, after])),
  };
  const isOutput = (path: string): boolean => graph.inputs[path] === undefined;
  const part = await compilePart(
    name,
    { ...graph, outputs: Object.fromEntries(Object.entries(outputs).filter(([path]) => isOutput(path))) },
    kit,
  );
  const tail = compileTail(plan, memory.memory);
  const addresses = new Float64Array(plan.state.length + frontier.length);
  const values = new Float32Array(scalars.length);
  let state: Places = {};
  const read = (path: string): number =>
    state[path] === undefined
      ? buffers.view(path)[0]!
      : new Float32Array(memory.memory.buffer, state[path].address)[0]!;

  return {
    ...part,
    place(places) {
      state = places;
      part.place(places);
      const tensors = [...plan.state.map((path) => places[path]!), ...frontier.map((path) => buffers.place(path))];
      tensors.forEach(({ address }, i) => {
        addresses[i] = address;
      });
    },
    isFinite: () => buffers.view("finite")[0] !== 0,
    apply() {
      scalars.forEach((path, i) => {
        values[i] = read(path);
      });
      tail.run(addresses, values);
      const bytes = new Uint8Array(memory.memory.buffer);
      for (const { name: path } of plan.rest) {
        const from = buffers.place(`next/${path}`);
        bytes.copyWithin(state[path]!.address, from.address, from.address + byteLength(from));
      }
    },
    exposed: () => mapTree((_, name) => buffers.view(`exposed/${name}`).slice(), graph.exposed),
    metrics: () => mapTree((_, metric) => buffers.view(`reported/${metric}`)[0]!, graph.metrics),
  };
}
