import type { Tensor } from "@tensorflow/tfjs-core";
import { firstDifference } from "../graph/compare.ts";
import { graphErrors } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import type { Runtime } from "../graph/runtime/runtime.ts";
import { adopt, leavesOf } from "../graph/step/adopt.ts";
import { createBuffers } from "../graph/step/buffers.ts";
import { type CompiledStep, compileSplit, compileWhole } from "../graph/step/step.ts";
import type { Spec, StepSpecs } from "../graph/trace/inputs.ts";
import type { Log } from "../plugin.ts";
import type { TrainState } from "../state.ts";
import type { StepProgram } from "../step.ts";
import { mapTree } from "../tree.ts";
import type { Engine, HostInputs } from "./engine.ts";
import { createPredictor } from "./predictor.ts";
import { tensorMemory } from "./wasm-memory.ts";

/** Compiled programs that are kept; an older one is compiled again when it comes back. */
const kept = 4;

interface Entry {
  readonly step: CompiledStep;
  readonly buffers: ReturnType<typeof createBuffers>;
  placed: TrainState | null;
  /** Compared with a second trace, which finds numbers that change. */
  verified: boolean;
  ran: boolean;
}

export interface GraphEngine extends Engine {
  /** Records and compiles the step, or finds it done; what `run` is given is left as it was if this throws. */
  prepare: (...step: Parameters<Engine["run"]>) => Promise<unknown>;
}

/**
 * Records the step once and runs it with ONNX Runtime. The state stays in tensors of the wasm backend, whose memory the
 * runtime reads and the update writes in place. Throws MF_ENGINE_BACKEND unless that backend is in use, and
 * what tracing (MF_TRACE_…) and the runtime throw. `log` is told of inference that cannot be compiled.
 */
export function createGraphEngine(runtime: Runtime, log?: Log): GraphEngine {
  const memory = tensorMemory();
  if (memory === null) throw graphErrors.MF_ENGINE_BACKEND(undefined);
  const entries = new Map<string, Entry>();
  const predictor = createPredictor(runtime, log);
  let compiled: StepProgram | null = null;
  let own: { readonly state: TrainState; readonly tensors: readonly Tensor[] } | null = null;

  const release = (key: string): void => {
    const entry = entries.get(key);
    entry?.step.release();
    entry?.buffers.dispose();
    entries.delete(key);
  };
  const compile = async (key: string, split: boolean, program: StepProgram, specs: StepSpecs): Promise<Entry> => {
    const buffers = createBuffers(memory);
    try {
      const step = await (split ? compileSplit : compileWhole)(program, specs, { runtime, memory, buffers });
      if (entries.size === kept) release(entries.keys().next().value!);
      const entry: Entry = { step, buffers, placed: null, verified: false, ran: false };
      entries.set(key, entry);
      return entry;
    } catch (error) {
      buffers.dispose();
      throw error;
    }
  };
  const prepare: (...step: Parameters<Engine["run"]>) => Promise<Entry> = async (program, state, micro, exchange) => {
    if (program !== compiled) for (const key of [...entries.keys()]) release(key);
    compiled = program;
    const split = micro.length > 1 || exchange !== null;
    const key = programKey(program, micro[0]!, split ? "split" : 1);
    const entry = entries.get(key) ?? (await compile(key, split, program, specsOf(state, micro[0]!)));
    if (entry.ran && !entry.verified) {
      verify(entry.step.results, entry.step.retrace(program));
      entry.verified = true;
    }
    return entry;
  };

  return {
    name: "graph",
    description: `${runtime.description}, ${runtime.precision}`,
    dispose() {
      for (const key of [...entries.keys()]) release(key);
      predictor.dispose();
      own = null;
    },
    prepare,
    sync: async () => {},
    predictWith: predictor.predictWith,
    async run(program, state, micro, exchange) {
      const entry = await prepare(program, state, micro, exchange);
      // A clone that somebody keeps stands on the same values, which the update must not change.
      if (own === null || state !== own.state || !own.tensors.every(memory.isOwn)) {
        const adopted = adopt(state, memory);
        own = { state: adopted, tensors: Object.values(leavesOf(adopted)) };
      }
      const now = own.state;
      if (entry.placed !== now) entry.step.place(now);
      entry.placed = now;
      const finite = await entry.step.run(micro, exchange);
      entry.ran = true;
      return { state: now, skipped: !finite, read: entry.step.metrics, readExposed: entry.step.exposed };
    },
  };
}

/** The shapes a step is fed. */
export const specsOf = (state: TrainState, { batch, scalars }: HostInputs): StepSpecs => ({
  state: mapTree(({ shape, dtype }) => ({ shape, dtype }) as Spec, leavesOf(state)),
  batch: mapTree(({ shape, dtype }): Spec => ({ shape, dtype }), batch),
  scalars: Object.keys(scalars),
});

/** Names a compiled step: another program version, batch or number of micro-batches is another one. */
export const programKey = (
  { version }: StepProgram,
  { batch, scalars }: HostInputs,
  parts: number | "split",
): string => {
  const shapes = Object.entries(batch).map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`);
  return [version, parts, ...shapes, ...Object.keys(scalars)].join("|");
};

type Results = Readonly<Record<string, Node>>;

function verify(first: Results, second: Results): void {
  const found = firstDifference(first, second);
  if (found === null) return;
  throw graphErrors.MF_TRACE_CHANGED({ where: found.node.origin, difference: found.difference });
}
