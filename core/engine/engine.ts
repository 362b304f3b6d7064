import type { HostBatch } from "../data/host-tensor.ts";
import type { RandomStream } from "../random.ts";
import type { TrainState } from "../state.ts";
import type { Backward, StepProgram } from "../step.ts";
import type { Inference, Predict } from "../task.ts";
import type { Tree } from "../tree.ts";

/** What a step is fed, still on the host. */
export interface HostInputs {
  readonly batch: HostBatch;
  readonly scalars: Readonly<Record<string, number>>;
  readonly random: RandomStream;
}

export interface StepResult {
  readonly state: TrainState;
  /** The update was discarded because the loss or a gradient was not finite; `state` is the old one. */
  readonly skipped: boolean;
  /** Reads the metrics from the device. Valid until the next step. */
  read(): Record<string, number>;
  /** Reads from the device what the step exposed. Valid until the next step. */
  readExposed(): Record<string, ArrayLike<number>>;
}

/** Exchanges or transforms gradients on the host between the halves of a step. */
export type Exchange = (grads: Backward["grads"]) => Promise<Backward["grads"]>;

/**
 * Runs step programs and owns tensor memory: plugins never tidy, keep or dispose, and the loop never holds a tensor but
 * the state. Each call takes over the state it is given.
 */
export interface Engine {
  readonly name: "eager" | "graph";
  /** One line for a person: what computes, and on what. */
  readonly description: string;
  /** One optimizer step over `micro.length` micro-batches, whose gradients, slots of the last, and metrics are averaged. */
  run(
    program: StepProgram,
    state: TrainState,
    micro: readonly HostInputs[],
    exchange: Exchange | null,
  ): Promise<StepResult>;
  /** Brings the state's tensors up to date, for an engine that keeps it elsewhere; before anyone reads them. */
  sync(): Promise<void>;
  /** An inference function with these parameters, which are not to change while it is used. */
  predictWith(inference: Inference, params: Tree): Predict;
  /** Frees what the last step reported and exposed, and what was compiled. */
  dispose(): Promise<void> | void;
}
