/** The public surface of the core. */

export { registerGradients } from "./autodiff/gradients.ts";
export { type JvpRule, jvp, jvpByDoubleVjp, type KernelCall, registerJvpRule } from "./autodiff/jvp.ts";
export { stopGradient } from "./autodiff/stop-gradient.ts";
export { valueAndGrads } from "./autodiff/value-and-grads.ts";
export { type Config, defineConfig, definePreset, type Preset, without } from "./config/define.ts";
export type { Cursor, Dataset, Read } from "./data/dataset.ts";
export { arrayDataset, generatedDataset } from "./data/datasets.ts";
export { readArrays } from "./data/files.ts";
export type { DataConverter, DataGenerator, DataInspector, Inspection } from "./data/generator.ts";
export { type DType, float32, type HostBatch, type HostTensor } from "./data/host-tensor.ts";
export { decodeNpy, encodeNpy } from "./data/npy.ts";
export { npyRows } from "./data/npy-rows.ts";
export { readNpz, writeNpz } from "./data/npz.ts";
export { openNpz } from "./data/npz-head.ts";
export { npzRows } from "./data/npz-rows.ts";
export { prefetched } from "./data/prefetch.ts";
export { decodeSafetensors, encodeSafetensors } from "./data/safetensors.ts";
export { type RowSource, type SamplesOfRows, windowedDataset } from "./data/windowed.ts";
export { type ActiveBackend, type BackendName, useBackend } from "./engine/backend.ts";
export { defineErrors, isMfError, MfError, ours, user } from "./errors.ts";
export { exportOnnx, exportSafetensors } from "./export/export.ts";
export { type OpenedExport, openExported } from "./export/open.ts";
export { GradStage, type Hooks, LossStage } from "./hooks.ts";
export { predictWith } from "./inference.ts";
export type { Json } from "./json.ts";
export type { Cell, Histogram, Image, Media, Table, Text } from "./metrics/media.ts";
export type { MetricPoint, MetricStream } from "./metrics/stream.ts";
export { film, initFilm } from "./nn/film.ts";
export { geometricFrequencies, randomFrequencies, sinusoidFeatures } from "./nn/fourier.ts";
export { layerNorm } from "./nn/layer-norm.ts";
export { initLinear, linear } from "./nn/linear.ts";
export { filmResBlock, initFilmResBlock } from "./nn/res-block.ts";
export { silu } from "./nn/silu.ts";
export { adam, adamW } from "./optimizer/adam.ts";
export { defineOptimizer, type Optimizer } from "./optimizer/optimizer.ts";
export { sgd } from "./optimizer/sgd.ts";
export { definePlugin, type Log, type Plugin, type PluginContext, type PluginFactory } from "./plugin.ts";
export { createStream, type RandomStream } from "./random.ts";
export {
  type BuiltSection,
  colorMap,
  type Figure,
  type Figure2d,
  type ReportSection,
  rounded,
  type Scene3d,
} from "./report/figure.ts";
export type { CheckpointDraft, Clock, Run, RunSettings, RunSummary, StepReport, ValidationReport } from "./run.ts";
export { constant, cosine, exponential, linear as linearSchedule, piecewise, type Schedule } from "./schedule.ts";
export type { Batch, Losses, Metrics, Scalars, Slot, StepContext, StepRandom, TrainState } from "./state.ts";
export type {
  ArraySpec,
  Evaluator,
  HeldOutLoss,
  Inference,
  InferenceStep,
  InferRequest,
  InputSpec,
  LossTerm,
  Model,
  Predict,
  Task,
} from "./task.ts";
export { openRun, train } from "./train.ts";
export { mapTree, type Tree } from "./tree.ts";
export type { Interval } from "./when.ts";
