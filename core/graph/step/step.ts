import * as tf from "@tensorflow/tfjs-core";
import type { Exchange, HostInputs } from "../../engine/engine.ts";
import type { TrainState } from "../../state.ts";
import type { StepProgram } from "../../step.ts";
import { mapTree, prefixed, type Tree } from "../../tree.ts";
import { graphErrors } from "../errors.ts";
import { type Node, sameShape, sizeOf, type Values } from "../node.ts";
import { byteLength } from "../runtime/heap.ts";
import { compileAccumulation } from "../tail/accumulate.ts";
import type { StepSpecs } from "../trace/inputs.ts";
import { traceBackward, traceStep, traceUpdate } from "../trace/step.ts";
import { placesOf } from "./adopt.ts";
import { compilePart, type Places, type StepKit } from "./part.ts";
import { compileUpdate, type Update } from "./update.ts";

/** A compiled training step, which writes the state in place. */
export interface CompiledStep {
  /** Says where the state lies; again whenever it is another one. */
  place(state: TrainState): void;
  /** Returns false when the update was discarded. */
  run(micro: readonly HostInputs[], exchange: Exchange | null): Promise<boolean>;
  metrics(): Record<string, number>;
  exposed(): Record<string, Values>;
  /** Traces the program again, as it is now; its results by name. */
  retrace(program: StepProgram): Readonly<Record<string, Node>>;
  /** What it was traced to. */
  readonly results: Readonly<Record<string, Node>>;
  release(): void;
}

const wholeResults = (program: StepProgram, specs: StepSpecs) => {
  const graph = traceStep(program, specs);
  const named = { ...prefixed("metrics", graph.metrics), ...prefixed("exposed", graph.exposed) };
  return { graph, results: { finite: graph.finite, ...graph.state, ...named } };
};

/** The usual step, in one graph: backward and update of one batch. */
export async function compileWhole(program: StepProgram, specs: StepSpecs, kit: StepKit): Promise<CompiledStep> {
  const { graph, results } = wholeResults(program, specs);
  const update = await compileUpdate("step", graph, kit);
  return {
    results,
    retrace: (again) => wholeResults(again, specs).results,
    place: (state) => update.place(placesOf(state, kit.memory)),
    async run([inputs]) {
      update.feed(inputs!);
      await update.run();
      return applyIfFinite(update);
    },
    metrics: update.metrics,
    exposed: update.exposed,
    release: update.release,
  };
}

const splitResults = (program: StepProgram, specs: StepSpecs) => {
  const backward = traceBackward(program, specs);
  const update = traceUpdate(program, specs);
  const results = {
    ...prefixed("grads", backward.grads),
    ...prefixed("metrics", backward.metrics),
    finite: update.finite,
    ...update.state,
    ...prefixed("reported", update.metrics),
    ...prefixed("exposed", update.exposed),
  };
  return { backward, update, results };
};

/**
 * A step in two graphs, between which gradients are summed over micro-batches and exchanged. Slots that the backward
 * half changes lie aside until the update is known to be finite.
 */
export async function compileSplit(program: StepProgram, specs: StepSpecs, kit: StepKit): Promise<CompiledStep> {
  const { memory, buffers } = kit;
  const traced = splitResults(program, specs);
  const changed = Object.entries(traced.backward.slots).filter(
    ([path, after]) => after !== traced.backward.inputs[path],
  );
  const gradient = prefixed("grads", traced.backward.grads);
  const backward = await compilePart(
    "backward",
    {
      ...traced.backward,
      outputs: {
        ...gradient,
        ...prefixed("metrics", traced.backward.metrics),
        ...Object.fromEntries(changed.map(([path, after]) => [`next/${path}`, after])),
      },
    },
    kit,
  );
  for (const [path, node] of Object.entries(traced.update.inputs))
    if (path === "metrics/loss") buffers.reserve(path, node);
  const update = await compileUpdate("update", traced.update, kit).catch((error: unknown) => {
    backward.release();
    throw error;
  });
  const arithmetic = compileAccumulation(memory.memory);
  const sums = new Map(Object.entries(gradient).map(([path, node]) => [path, buffers.reserve(`sum/${path}`, node)]));
  let places: Places = {};
  let staged: Places = {};
  let metrics: Record<string, number> = {};

  const copy = (from: string, to: { readonly address: number }): void => {
    const place = buffers.place(from);
    new Uint8Array(memory.memory.buffer).copyWithin(to.address, place.address, place.address + byteLength(place));
  };
  const copyState = (from: Places, to: Places): void => {
    const bytes = new Uint8Array(memory.memory.buffer);
    for (const [path] of changed) {
      const { address } = from[path]!;
      bytes.copyWithin(to[path]!.address, address, address + byteLength(from[path]!));
    }
  };

  return {
    results: traced.results,
    retrace: (again) => splitResults(again, specs).results,
    place(state) {
      places = placesOf(state, memory);
      const aside = changed.map(([path, node]) => [path, buffers.reserve(`stage/${path}`, node)] as const);
      staged = { ...places, ...Object.fromEntries(aside) };
      backward.place(staged);
      update.place(staged);
    },
    async run(micro, exchange) {
      copyState(places, staged);
      metrics = {};
      for (const [i, inputs] of micro.entries()) {
        backward.feed(inputs);
        await backward.run();
        for (const [path] of changed) copy(`next/${path}`, staged[path]!);
        for (const name of Object.keys(traced.backward.metrics)) {
          metrics[name] = (metrics[name] ?? 0) + buffers.view(`metrics/${name}`)[0]! / micro.length;
        }
        if (micro.length === 1) continue;
        for (const [path, sum] of sums) {
          const { address, shape } = buffers.place(path);
          if (i === 0) copy(path, sum);
          else arithmetic.addInto(sum.address, address, sizeOf(shape));
          if (i === micro.length - 1) {
            arithmetic.scale(sum.address, 1 / micro.length, sizeOf(shape));
            copy(`sum/${path}`, { address });
          }
        }
      }
      buffers.view("metrics/loss")[0] = metrics["loss"]!;
      if (exchange !== null) await exchanged(exchange);
      update.feed(micro.at(-1)!);
      await update.run();
      Object.assign(metrics, update.metrics());
      const finite = applyIfFinite(update);
      if (finite) copyState(staged, places);
      return finite;
    },
    metrics: () => metrics,
    exposed: update.exposed,
    release() {
      backward.release();
      update.release();
    },
  };

  /** Lends the gradients to the exchange as tensors, and takes over those it returns. */
  async function exchanged(exchange: Exchange): Promise<void> {
    // Copies: making a tensor may grow the heap, which detaches a view before it is read.
    const lent: Tree = mapTree(
      ({ shape }, path) => tf.tensor(buffers.view(`grads/${path}`).slice(), shape as number[]),
      traced.backward.grads,
    );
    const returned = await exchange(lent);
    for (const [path, { shape }] of Object.entries(lent)) {
      const gradient = returned[path];
      if (gradient === undefined || !sameShape(gradient.shape, shape)) throw graphErrors.MF_EXCHANGE({ path, shape });
      buffers.view(`grads/${path}`).set(gradient.dataSync() as Float32Array);
    }
    tf.dispose([lent, returned] as unknown as tf.TensorContainer);
  }
}

function applyIfFinite(update: Update): boolean {
  const finite = update.isFinite();
  if (finite) update.apply();
  return finite;
}
