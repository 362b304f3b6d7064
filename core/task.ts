import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { Dataset } from "./data/dataset.ts";
import type { HostBatch, HostTensor } from "./data/host-tensor.ts";
import type { Json } from "./json.ts";
import type { RandomStream } from "./random.ts";
import type { Batch, StepContext } from "./state.ts";
import type { Tree } from "./tree.ts";

/** A network as functions of its parameters. */
export interface Model {
  /** Fresh parameters, drawn from `random` alone. */
  init(random: RandomStream): Tree;
  /** The forward pass; which inputs it reads and what shape it returns is the task's to document. */
  apply(params: Tree, inputs: Batch): Tensor;
  /**
   * The derivative of the sum of `apply`'s outputs by the input `name`, in that input's shape, by a formula of the
   * model's own; null where it has none. For loops that need nothing else: automatic differentiation computes more.
   */
  inputGradient?(params: Tree, inputs: Batch, name: string): Tensor | null;
}

/** What is learned: a model, its data, and what a trained one is used for. Exactly one plugin of a run brings it. */
export interface Task {
  readonly name: string;
  readonly model: Model;
  /** The training data. Validation data belongs to evaluators. */
  dataset(): Dataset | Promise<Dataset>;
  /** Data like the training data that is not trained on, to measure the loss on. */
  readonly heldOut?: () => Dataset | Promise<Dataset>;
  /** What a trained model is asked for, by `mf infer` and in exported files. */
  readonly inference?: Inference;
}

/**
 * What a trained model does for whoever uses it, from plain inputs to plain outputs, as one function that can be exported:
 * normalising, the steps of a flow and limits are inside. Arrays have the batch as their first dimension.
 */
export interface Inference {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: Readonly<Record<string, ArraySpec>>;
  /** What a user of the exported file must know besides: names of joints, steps, units. Kept in the file. */
  readonly metadata: Readonly<Record<string, Json>>;
  /**
   * The function itself, of TensorFlow.js operations that can be traced: it reads no tensor's value, and does not
   * compute with the number of rows. It is recorded once, so what it captures does not change. Gives exactly `outputs`.
   */
  run(params: Tree, inputs: Batch, step: InferenceStep): Record<string, Tensor>;
  /** A new stream of what `run` draws, the same at each call; left out, that of seed 0. */
  stream?(): RandomStream;
  /** Why `run` cannot be traced, and what to set instead. Only then may it read values; it cannot be exported. */
  readonly untraceable?: string;
  /** Plausible inputs, the same at every call, to compare an exported file with the model on. */
  examples(count: number): HostBatch;
  /** Answers `mf infer`; without it the answer is the outputs as lists. */
  answer?(predict: Predict, request: InferRequest): Json | Promise<Json>;
}

/** Draws, the same at each call, and loops. A draw has no dimension of rows: all share it, so each has one answer. */
export type InferenceStep = Pick<StepContext, "random" | "repeat">;

/** An input or output of an inference function. */
export interface ArraySpec {
  /** Of one row. */
  readonly shape: readonly number[];
  /** `int32` where that is said; else `float32`. */
  readonly dtype?: "float32" | "int32";
  readonly description: string;
  /** Such as `m` or `rad`; left out for plain numbers. */
  readonly unit?: string;
}

export interface InputSpec extends ArraySpec {
  /** One row, taken where the input is not given; an input without it must be given. */
  readonly default?: readonly number[];
}

/** An inference function with its parameters, on arrays of the host: a checkpoint's, or an exported file's. */
export type Predict = (inputs: HostBatch) => Promise<HostBatch>;

export interface InferRequest {
  /** Arrays of a JSON, NPZ or safetensors file, or built from the command line. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Where the inputs came from, for messages. */
  readonly source: string;
  /** Further options of the command line, unchecked: the task knows its own. */
  readonly options: Readonly<Record<string, Json>>;
}

/**
 * The run's loss and what else the forward pass reports, as means over a number of batches of the task's held-out data.
 * Rejects with MF_HELD_OUT_NONE where the task has no such data.
 */
export type HeldOutLoss = (batches: number) => Promise<Record<string, number>>;

/** A named part of the loss: the mean over the batch, a scalar, computed inside the tape. */
export interface LossTerm {
  readonly name: string;
  compute(params: Tree, batch: Batch, step: StepContext): Scalar;
}

/** Measures a model on held-out data. */
export interface Evaluator {
  readonly name: string;
  /**
   * Metrics without the `val/` prefix, units in their names. `predict` is the task's inference with these parameters, as
   * the run's engine computes it; it rejects with MF_INFERENCE_NONE where the task has none.
   */
  evaluate(
    params: Tree,
    predict: Predict,
    heldOutLoss: HeldOutLoss,
  ): Record<string, number> | Promise<Record<string, number>>;
  /** Pictures of what these parameters have learned: SVG texts by file name. */
  render?(params: Tree, predict: Predict): Record<string, string> | Promise<Record<string, string>>;
  /** The same metrics for classical methods on the same data, computed once, for the table beside the model's. */
  baselines?(): Record<string, Record<string, number>> | Promise<Record<string, Record<string, number>>>;
}
