import type { PluginFactory } from "../core/plugin.ts";
import { consoleProgress } from "./loggers/console/index.ts";
import { jsonl } from "./loggers/jsonl/index.ts";
import { ebm } from "./objectives/ebm/index.ts";
import { flowMatching } from "./objectives/flow-matching/index.ts";
import { improvedMeanflow } from "./objectives/improved-meanflow/index.ts";
import { meanflow } from "./objectives/meanflow/index.ts";
import { mse } from "./objectives/mse/index.ts";
import { poseLoss } from "./objectives/pose-loss/index.ts";
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

export {
  checkpointing,
  consoleProgress,
  earlyStopping,
  ebm,
  ema,
  eta,
  flowMatching,
  gradClip,
  ik,
  improvedMeanflow,
  jsonl,
  meanflow,
  mse,
  particle,
  poseLoss,
  schedule,
  stats,
};

/** Every plugin that configuration files, flags and checkpoints may name. */
export const plugins = [
  ik,
  particle,
  meanflow,
  improvedMeanflow,
  flowMatching,
  poseLoss,
  ebm,
  mse,
  gradClip,
  schedule,
  ema,
  earlyStopping,
  checkpointing,
  stats,
  eta,
  consoleProgress,
  jsonl,
] as unknown as readonly PluginFactory<never>[];

export const generators = [ikGenerator, particleGenerator];
