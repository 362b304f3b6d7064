import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { Tree } from "./tree.ts";

/** Named tensors whose first dimension is the batch: `[B, …]`. */
export type Batch = Readonly<Record<string, Tensor>>;
/** Named loss terms, each the mean over the batch. */
export type Losses = Readonly<Record<string, Scalar>>;
/** Numbers that change from step to step, as 0-d tensors. */
export type Scalars = Readonly<Record<string, Scalar>>;
export type Metrics = Readonly<Record<string, Scalar>>;

/** Everything a step reads and replaces. Every leaf is a tensor. */
export interface TrainState {
  readonly params: Tree;
  readonly opt: Tree;
  /** Tensors owned by plugins, by "plugin/slot". */
  readonly slots: Tree;
}

/** Random draws of one step. They enter the step as inputs, so that a step is a pure function and a trace stays valid. */
export interface StepRandom {
  /** Independent N(0, 1), float32. */
  normal(shape: readonly number[]): Tensor;
  /** Independent U[min, max), float32. */
  uniform(shape: readonly number[], min?: number, max?: number): Tensor;
}

/** One iteration of a loop inside the step: the carried tensors, and which it is, `[]` int32 from 0. */
export type RepeatBody = (state: Tree, i: Scalar) => Tree;

/** `state = body(state, i)` for i in [0, n). */
export type Repeat = (n: number, state: Tree, body: RepeatBody) => Tree;

/** What a step is fed besides its state. */
export interface StepInputs {
  readonly batch: Batch;
  readonly scalars: Scalars;
  readonly random: StepRandom;
  readonly repeat: Repeat;
}

/** A tensor, or a tree of them, that a plugin carries from step to step. */
export interface Slot<T extends Tensor | Tree = Tensor> {
  readonly path: string;
  readonly kind: T extends Tensor ? "tensor" : "tree";
}

/** What a transform may see of the step around it. */
export interface StepContext {
  /** The parameters the step started from, untouched by `beforeForward`. */
  readonly params: Tree;
  readonly scalars: Scalars;
  readonly random: StepRandom;
  get<T extends Tensor | Tree>(slot: Slot<T>): T;
  /** Replaces a slot's value in the next state. Throws MF_PUT_IN_TAPE inside the tape, MF_SLOT_SHAPE for another shape. */
  put<T extends Tensor | Tree>(slot: Slot<T>, value: T): void;
  /** Adds a scalar to the step's metrics; it appears as `train/<name>`. */
  report(name: string, value: Scalar): void;
  /**
   * Lets `onStep` read a whole tensor of this step. Only in `afterBackward` and `afterUpdate` (MF_EXPOSE_EARLY): what the
   * first half makes belongs to a micro-batch. It is copied at every step that exposes it, so do it at few (`fixed`).
   */
  expose(name: string, value: Tensor): void;
  /**
   * `state = body(state, i)` for i in [0, n), each tensor keeping its shape and type. The graph engine records the body
   * once, where no derivative is taken through it: what changes between iterations comes from the state, `i` or `random`.
   */
  readonly repeat: Repeat;
}
