import type { Scalar, Tensor } from "@tensorflow/tfjs-core";
import type { Dataset } from "./data/dataset.ts";
import type { HostTensor } from "./data/host-tensor.ts";
import type { Json } from "./json.ts";
import type { RandomStream } from "./random.ts";
import type { Batch, StepContext } from "./state.ts";
import type { Tree } from "./tree.ts";

/** A network as two functions of its parameters. */
export interface Model {
  /** Fresh parameters, drawn from `random` alone. */
  init(random: RandomStream): Tree;
  /** The forward pass; which inputs it reads and what shape it returns is the task's to document. */
  apply(params: Tree, inputs: Batch): Tensor;
}

/** What is learned: a model, its data, and what a trained one is used for. Exactly one plugin of a run brings it. */
export interface Task {
  readonly name: string;
  readonly model: Model;
  /** The training data. Validation data belongs to evaluators. */
  dataset(): Dataset | Promise<Dataset>;
  /** Answers requests with a trained model (`mf infer`). */
  infer?(params: Tree, request: InferRequest): Json | Promise<Json>;
}

export interface InferRequest {
  /** Arrays of a JSON, NPZ or safetensors file, or built from the command line. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Where the inputs came from, for messages. */
  readonly source: string;
  /** Further options of the command line, unchecked: the task knows its own. */
  readonly options: Readonly<Record<string, Json>>;
}

/** A named part of the loss: the mean over the batch, a scalar, computed inside the tape. */
export interface LossTerm {
  readonly name: string;
  compute(params: Tree, batch: Batch, step: StepContext): Scalar;
}

/** Measures a model on held-out data. */
export interface Evaluator {
  readonly name: string;
  /** Metrics without the `val/` prefix, units in their names. */
  evaluate(params: Tree): Record<string, number> | Promise<Record<string, number>>;
  /** The same metrics for classical methods on the same data, computed once, for the table beside the model's. */
  baselines?(): Record<string, Record<string, number>> | Promise<Record<string, Record<string, number>>>;
}
