import type { PluginFactory } from "../core/plugin.ts";
import { consoleProgress } from "./loggers/console/index.ts";
import { csv } from "./loggers/csv/index.ts";
import { histograms } from "./loggers/histograms/index.ts";
import { jsonl } from "./loggers/jsonl/index.ts";
import { pictures } from "./loggers/pictures/index.ts";
import { tensorboard } from "./loggers/tensorboard/index.ts";
import { wandb } from "./loggers/wandb/index.ts";
import { distillation } from "./objectives/distillation/index.ts";
import { ebm } from "./objectives/ebm/index.ts";
import { flowMatching } from "./objectives/flow-matching/index.ts";
import { improvedMeanflow } from "./objectives/improved-meanflow/index.ts";
import { meanflow } from "./objectives/meanflow/index.ts";
import { mse } from "./objectives/mse/index.ts";
import { poseLoss } from "./objectives/pose-loss/index.ts";
import { gaitConverter } from "./tasks/gait/data/convert.ts";
import { gaitInspector } from "./tasks/gait/data/inspect.ts";
import { gait } from "./tasks/gait/index.ts";
import { gaitGenerator } from "./tasks/gait/synthetic/generate.ts";
import { ikGenerator } from "./tasks/ik/generate.ts";
import { ik } from "./tasks/ik/index.ts";
import { particleGenerator } from "./tasks/particle/generate.ts";
import { particle } from "./tasks/particle/index.ts";
import { checkpointing } from "./training/checkpointing/index.ts";
import { earlyStopping } from "./training/early-stopping/index.ts";
import { ema } from "./training/ema/index.ts";
import { eta } from "./training/eta/index.ts";
import { gradClip } from "./training/grad-clip/index.ts";
import { schedule } from "./training/schedule/index.ts";
import { stats } from "./training/stats/index.ts";
import { throughput } from "./training/throughput/index.ts";
import { validationLoss } from "./training/validation-loss/index.ts";

export {
  checkpointing,
  consoleProgress,
  csv,
  distillation,
  earlyStopping,
  ebm,
  ema,
  eta,
  flowMatching,
  gait,
  gradClip,
  histograms,
  ik,
  improvedMeanflow,
  jsonl,
  meanflow,
  mse,
  particle,
  pictures,
  poseLoss,
  schedule,
  stats,
  tensorboard,
  throughput,
  validationLoss,
  wandb,
};

/** Every plugin that configuration files, flags and checkpoints may name. */
export const plugins = [
  ik,
  particle,
  gait,
  meanflow,
  improvedMeanflow,
  flowMatching,
  poseLoss,
  ebm,
  mse,
  distillation,
  gradClip,
  schedule,
  ema,
  earlyStopping,
  checkpointing,
  stats,
  eta,
  throughput,
  validationLoss,
  consoleProgress,
  jsonl,
  csv,
  tensorboard,
  wandb,
  histograms,
  pictures,
] as unknown as readonly PluginFactory<never>[];

export const generators = [ikGenerator, particleGenerator, gaitGenerator];
export const converters = [gaitConverter];
export const inspectors = [gaitInspector];
