import * as tf from "@tensorflow/tfjs-core";
import { actAs, acting } from "./acting.ts";
import { valueAndGrads } from "./autodiff/value-and-grads.ts";
import { errors } from "./errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Optimizer } from "./optimizer/optimizer.ts";
import type { Batch, Losses, Metrics, Scalars, Slot, StepContext, StepInputs, TrainState } from "./state.ts";
import type { LossTerm } from "./task.ts";
import { prefixed, subtree, type Tree } from "./tree.ts";

export interface Backward {
  readonly grads: Tree;
  readonly slots: Tree;
  readonly metrics: Metrics;
}

export interface Update {
  readonly state: TrainState;
  readonly metrics: Metrics;
  /** Tensors of this step that plugins want read on the host, by name. */
  readonly exposed: Tree;
  /** 1 when the loss and every gradient are finite; else the engine keeps the old state. */
  readonly finite: tf.Scalar;
}

/**
 * One training step as two pure functions, so that an engine may run, fuse or trace them, and so that gradients can be
 * accumulated and exchanged in between.
 */
export interface StepProgram {
  /** Names the fixed values that the program has now; another version is another program. */
  readonly version: string;
  backward(state: TrainState, inputs: StepInputs): Backward;
  /** What `backward` reports, the loss included, without gradients. */
  loss(state: TrainState, inputs: StepInputs): Metrics;
  update(state: TrainState, backward: Backward, inputs: StepInputs): Update;
}

export function buildStep(
  terms: readonly LossTerm[],
  hooks: Hooks,
  optimizer: Optimizer,
  version: () => string,
): StepProgram {
  const forward = (params: Tree, batch: Batch, step: StepContext): tf.Scalar => {
    const seen = hooks.beforeForward.call(params, step);
    const raw: Losses = Object.fromEntries(terms.map((term) => [term.name, term.compute(seen, batch, step)]));
    for (const [name, loss] of Object.entries(raw)) step.report(`loss/${name}`, loss);
    const weighted = Object.values(hooks.afterLoss.call(raw, step));
    return weighted.length === 1 ? weighted[0]! : (tf.addN(weighted) as tf.Scalar);
  };
  return {
    get version() {
      return version();
    },

    backward(state, inputs) {
      const { step, slots, metrics, tape } = createContext(state, state.slots, inputs, "backward");
      const batch = hooks.beforeStep.call(inputs.batch, step);
      tape.open = true;
      const differentiate = (): ReturnType<typeof valueAndGrads> =>
        valueAndGrads((params) => forward(params, batch, step), state.params);
      const { value, grads } = actAs("the backward pass", differentiate);
      tape.open = false;
      return { grads, slots, metrics: { loss: value, ...metrics } };
    },

    loss(state, inputs) {
      const { step, metrics, tape } = createContext(state, state.slots, inputs, "backward");
      const batch = hooks.beforeStep.call(inputs.batch, step);
      tape.open = true;
      return { loss: forward(state.params, batch, step), ...metrics };
    },

    update(state, backward, inputs) {
      const { step, slots, puts, metrics, exposed } = createContext(state, backward.slots, inputs, "update");
      const grads = hooks.afterBackward.call(backward.grads, step);
      const finite = allFinite(backward.metrics["loss"]!, grads);
      const { params, opt } = actAs(`optimizer ${optimizer.name}`, () =>
        optimizer.update(grads, state.opt, state.params, inputs.scalars),
      );
      const next = hooks.afterUpdate.call({ params, opt, slots }, step);
      return { state: { ...next, slots: { ...next.slots, ...puts } }, metrics, exposed, finite };
    },
  };
}

/**
 * A sum of squares is finite unless a summand is not (or it overflows, which is as bad): one reduction a tensor, no mask,
 * and the same one that a global norm needs.
 */
function allFinite(loss: tf.Scalar, grads: Tree): tf.Scalar {
  const sums = Object.values(grads).map((g) => tf.sum(tf.square(g)));
  return tf.cast(tf.isFinite(tf.addN([loss, ...sums])), "float32") as tf.Scalar;
}

function createContext(state: TrainState, slotsIn: Tree, inputs: StepInputs, half: "backward" | "update") {
  const slots: Record<string, tf.Tensor> = { ...slotsIn };
  // Also apart: a tap of afterUpdate may return slots of its own, which only a put goes before.
  const puts: Record<string, tf.Tensor> = {};
  const metrics: Record<string, tf.Scalar> = {};
  const exposed: Record<string, tf.Tensor> = {};
  const tape = { open: false };
  /** Loops the step is in now. */
  let repeats = 0;
  const putTensor = (path: string, value: tf.Tensor): void => {
    const was = slots[path];
    if (was === undefined) throw errors.MF_SLOT_UNKNOWN({ slot: path });
    if (was.shape.join() !== value.shape.join())
      throw errors.MF_SLOT_SHAPE({ slot: path, was: was.shape, is: value.shape });
    slots[path] = value;
    puts[path] = value;
  };
  const step: StepContext = {
    params: state.params,
    scalars: declaredOnly(inputs.scalars),
    random: inputs.random,
    get<T extends tf.Tensor | Tree>(slot: Slot<T>): T {
      const value = slot.kind === "tree" ? subtree(slots, slot.path) : slots[slot.path];
      if (value === undefined) throw errors.MF_SLOT_UNKNOWN({ slot: slot.path });
      return value as T;
    },
    put<T extends tf.Tensor | Tree>(slot: Slot<T>, value: T): void {
      if (tape.open) throw errors.MF_PUT_IN_TAPE({ slot: slot.path });
      if (repeats > 0) throw errors.MF_IN_REPEAT({ call: "put", where: acting() });
      if (slot.kind === "tensor") putTensor(slot.path, value as tf.Tensor);
      else for (const [path, leaf] of Object.entries(prefixed(slot.path, value as Tree))) putTensor(path, leaf);
    },
    report(name, value) {
      if (repeats > 0) throw errors.MF_IN_REPEAT({ call: "report", where: acting() });
      // The tape tidies up behind itself; a metric outlives it. The engine disposes it.
      metrics[name] = tf.keep(value.clone());
    },
    expose(name, value) {
      if (half === "backward") throw errors.MF_EXPOSE_EARLY({ name, where: acting() });
      if (repeats > 0) throw errors.MF_IN_REPEAT({ call: "expose", where: acting() });
      // A tensor of its own, since the same one may be part of the state.
      exposed[name] = value.clone();
    },
    repeat: (n, start, body) =>
      inputs.repeat(n, start, (now, i) => {
        repeats += 1;
        try {
          return body(now, i);
        } finally {
          repeats -= 1;
        }
      }),
  };
  return { step, slots, puts, metrics, exposed, tape };
}

/** Reading a scalar nobody declared is a spelling mistake, not `undefined`. */
function declaredOnly(scalars: Scalars): Scalars {
  return new Proxy(scalars, {
    get(target, name) {
      if (typeof name === "symbol" || name in target) return target[name as string];
      throw errors.MF_SCALAR_UNKNOWN({ name, known: Object.keys(target) });
    },
  });
}
