import type { HostInputs } from "../../engine/engine.ts";
import type { TensorMemory } from "../../engine/wasm-memory.ts";
import { subtree } from "../../tree.ts";
import type { Node, Outputs } from "../node.ts";
import { cpuFusions } from "../onnx/fusions.ts";
import { toOnnx } from "../onnx/model.ts";
import type { HeapTensor } from "../runtime/heap.ts";
import type { Bound, Runtime } from "../runtime/runtime.ts";
import { type DrawPlan, fillDraws } from "../trace/random.ts";
import type { Buffers } from "./buffers.ts";

export type Places = Readonly<Record<string, HeapTensor>>;

/** What the parts of a step share. */
export interface StepKit {
  readonly runtime: Runtime;
  readonly memory: TensorMemory;
  readonly buffers: Buffers;
}

/** A compiled graph with everything it is fed and puts out in the heap. */
export interface Part {
  /** Where the state lies, by path: inputs of the graph are read there. */
  place(state: Places): void;
  /** Copies a step's inputs into the heap, drawing its random numbers. */
  feed(inputs: HostInputs): void;
  run(): Promise<void>;
  release(): void;
}

/**
 * Compiles a graph for a runtime. Outputs and inputs that are no state lie in `buffers` under their names, by which one
 * part reads what another put out. Throws MF_MODEL_REFUSED, MF_GRAPH_MEMORY.
 */
export async function compilePart(
  name: string,
  graph: { readonly inputs: Readonly<Record<string, Node>>; readonly draws: DrawPlan; readonly outputs: Outputs },
  { runtime, memory, buffers }: StepKit,
): Promise<Part> {
  const listed = { inputs: Object.values(graph.inputs), outputs: graph.outputs };
  const { bytes, inputs } = toOnnx(listed, { name, fusions: cpuFusions });
  const outputs = Object.fromEntries(
    Object.entries(graph.outputs).map(([path, node]) => [path, buffers.reserve(path, node)]),
  );
  const below = (section: string): { readonly path: string; readonly key: string }[] =>
    Object.keys(subtree(graph.inputs, section)).map((key) => ({ path: `${section}/${key}`, key }));
  const [batches, numbers] = [below("batch"), below("scalars")];
  for (const { path } of [...batches, ...numbers, ...below("random")]) buffers.reserve(path, graph.inputs[path]!);
  const session = await runtime.createSession(bytes, name);
  let bound: Bound | null = null;

  return {
    place(state) {
      bound?.release();
      const places = Object.fromEntries(inputs.map((path) => [path, state[path] ?? buffers.place(path)]));
      bound = session.bind(memory.memory, places, outputs);
    },
    feed({ batch, scalars, random }) {
      for (const { path, key } of batches) buffers.view(path).set(batch[key]!.data);
      for (const { path, key } of numbers) buffers.view(path)[0] = scalars[key]!;
      fillDraws(graph.draws, random, (path) => buffers.view(path) as Float32Array);
    },
    run: () => bound!.run(),
    release() {
      bound?.release();
      session.release();
    },
  };
}
