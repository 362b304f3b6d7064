import * as tf from "@tensorflow/tfjs-core";
import { predictWith } from "../inference.ts";
import type { Metrics, Scalars, StepInputs, TrainState } from "../state.ts";
import type { Backward, StepProgram } from "../step.ts";
import { mapTree, type Tree } from "../tree.ts";
import type { Engine, HostInputs } from "./engine.ts";
import { repeat, stepRandom, toTensors } from "./feed.ts";
import { withoutReads } from "./no-reads.ts";

/** Runs the step's kernels one by one on the current TensorFlow.js backend. */
export function createEagerEngine(): Engine {
  // What the last step reported and exposed lives until the next one, so that reading them is the caller's choice.
  let last: { readonly metrics: Metrics; readonly exposed: Tree } = { metrics: {}, exposed: {} };
  const dispose = (): void => {
    disposeBut([], [last]);
    last = { metrics: {}, exposed: {} };
  };

  return {
    name: "eager",
    description: "eager, one TensorFlow.js kernel after the other",
    dispose,
    sync: async () => {},
    predictWith,
    async run(program, state, micro, exchange) {
      dispose();
      const { backward, inputs } = accumulate(program, state, micro);
      let { grads } = backward;
      if (exchange !== null) grads = await exchange(grads);
      const update = tidy(() => withoutReads(() => program.update(state, { ...backward, grads }, inputs)));
      const skipped = update.finite.dataSync()[0] === 0;
      const next = skipped ? state : update.state;
      last = { metrics: { ...backward.metrics, ...update.metrics }, exposed: update.exposed };
      disposeBut([next, last], [state, backward, update, grads, inputs.batch, inputs.scalars]);
      return {
        state: next,
        skipped,
        read: () => mapTree((m) => m.dataSync()[0]!, last.metrics),
        readExposed: () => mapTree((t) => t.dataSync(), last.exposed),
      };
    },
  };
}

/** Backward over each micro-batch; gradients and metrics are means, since each loss is the mean over its own batch. */
function accumulate(
  program: StepProgram,
  state: TrainState,
  micro: readonly HostInputs[],
): { backward: Backward; inputs: StepInputs } {
  let sum: Backward | undefined;
  let inputs: StepInputs | undefined;
  for (const host of micro) {
    const before = inputs;
    inputs = feed(host);
    const fed = inputs;
    const from: TrainState = sum === undefined ? state : { ...state, slots: sum.slots };
    const one = tidy(() => withoutReads(() => program.backward(from, fed)));
    const was = sum;
    sum =
      was === undefined
        ? one
        : { grads: add(was.grads, one.grads), slots: one.slots, metrics: add(was.metrics, one.metrics) };
    disposeBut([state, sum], [before?.batch, before?.scalars, was, one]);
  }
  const total = sum!;
  if (micro.length === 1) return { backward: total, inputs: inputs! };
  const share = 1 / micro.length;
  const mean = {
    grads: tf.tidy(() => mapTree((g) => tf.mul(g, share), total.grads)),
    slots: total.slots,
    metrics: tf.tidy(() => mapTree((m) => tf.mul(m, share) as tf.Scalar, total.metrics)),
  };
  disposeBut([state, mean], [total]);
  return { backward: mean, inputs: inputs! };
}

const add = <T extends tf.Tensor>(a: Readonly<Record<string, T>>, b: Readonly<Record<string, T>>): Record<string, T> =>
  tf.tidy(() => mapTree((x, path) => tf.add(x, b[path]!) as T, a));

/** The inputs of a step as tensors. */
export function feed(host: HostInputs): StepInputs {
  return {
    batch: toTensors(host.batch),
    scalars: mapTree((value) => tf.scalar(value), host.scalars) as Scalars,
    random: stepRandom(host.random),
    repeat,
  };
}

// Interfaces lack the index signature that tidy's type asks for; at run time it walks any object.
const tidy = <T>(f: () => T): T => tf.tidy(f as () => tf.TensorContainer) as T;

/** Disposes the tensors of `gone` that are not among those of `kept`. */
function disposeBut(kept: unknown[], gone: unknown[]): void {
  const keep = new Set(kept.flatMap((k) => collect(k)));
  for (const tensor of gone.flatMap((g) => collect(g))) if (!keep.has(tensor) && !tensor.isDisposed) tensor.dispose();
}

function collect(value: unknown): tf.Tensor[] {
  if (value instanceof tf.Tensor) return [value];
  if (value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(collect);
}

/** Disposes every tensor of a state. */
export const disposeState = (state: TrainState): void => disposeBut([], [state]);
