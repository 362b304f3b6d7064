import { describe, test } from "vitest";
import type { Plugin } from "../../core/plugin.ts";
import { type ContractOptions, contractChecks } from "../../core/testing/index.ts";
import { consoleProgress } from "../../plugins/loggers/console/index.ts";
import { csv } from "../../plugins/loggers/csv/index.ts";
import { histograms } from "../../plugins/loggers/histograms/index.ts";
import { jsonl } from "../../plugins/loggers/jsonl/index.ts";
import { pictures } from "../../plugins/loggers/pictures/index.ts";
import { tensorboard } from "../../plugins/loggers/tensorboard/index.ts";
import { wandb } from "../../plugins/loggers/wandb/index.ts";
import { distillation } from "../../plugins/objectives/distillation/index.ts";
import { ebm } from "../../plugins/objectives/ebm/index.ts";
import { flowMatching } from "../../plugins/objectives/flow-matching/index.ts";
import { improvedMeanflow } from "../../plugins/objectives/improved-meanflow/index.ts";
import { meanflow } from "../../plugins/objectives/meanflow/index.ts";
import { mse } from "../../plugins/objectives/mse/index.ts";
import { poseLoss } from "../../plugins/objectives/pose-loss/index.ts";
import { gait } from "../../plugins/tasks/gait/index.ts";
import { ik } from "../../plugins/tasks/ik/index.ts";
import { particle } from "../../plugins/tasks/particle/index.ts";
import { checkpointing } from "../../plugins/training/checkpointing/index.ts";
import { earlyStopping } from "../../plugins/training/early-stopping/index.ts";
import { ema } from "../../plugins/training/ema/index.ts";
import { eta } from "../../plugins/training/eta/index.ts";
import { gradClip } from "../../plugins/training/grad-clip/index.ts";
import { schedule } from "../../plugins/training/schedule/index.ts";
import { stats } from "../../plugins/training/stats/index.ts";
import { throughput } from "../../plugins/training/throughput/index.ts";
import { validationLoss } from "../../plugins/training/validation-loss/index.ts";
import { forkTask } from "../support/fork-task.ts";
import { gaussianTask } from "../support/gaussian-task.ts";

const smallIk = () => ik({ network: { width: 16, depth: 1 }, validationPoses: 2 });
const smallParticle = ({
  policy = "implicit",
  dropout = 0,
}: {
  policy?: "implicit" | "explicit";
  dropout?: number;
} = {}) => particle({ policy, episodes: 5, network: { width: 16, dropout } });
const smallGait = (cascade: { parameters: [string]; steps?: number }[] = []) =>
  gait({ network: { width: 16, depth: 1 }, cascade, evaluation: { motions: 2 } });
const batches: ContractOptions = { settings: { batchSize: 8 } };

/** Options that make each plugin act within the few steps of the checks. */
const cases: readonly [name: string, make: () => Plugin | readonly Plugin[], options?: ContractOptions][] = [
  ["grad-clip", () => gradClip({ maxNorm: 1, maxValue: 0.9 })],
  ["schedule, cosine after warm-up", () => schedule({ kind: "cosine", warmupSteps: 2, steps: 20 })],
  ["schedule, exponential", () => schedule({ kind: "exponential", every: 1 })],
  ["ema", () => ema({ decay: 0.9 })],
  ["early-stopping", () => earlyStopping({ patience: 2 })],
  ["checkpointing", () => checkpointing({ every: "2 steps", best: { metric: "val/loss" } })],
  ["stats", () => stats({ every: 3 })],
  ["validation-loss", () => validationLoss()],
  ["eta", () => eta({ after: 2 })],
  ["throughput", () => throughput({ every: "2 steps" })],
  ["console", () => consoleProgress()],
  ["jsonl", () => jsonl()],
  ["csv", () => csv()],
  ["tensorboard", () => tensorboard()],
  ["wandb", () => wandb()],
  ["histograms", () => histograms({ every: 3 })],
  ["pictures", () => pictures()],
  ["meanflow", () => [meanflow(), gaussianTask()], batches],
  ["improved-meanflow", () => [improvedMeanflow(), gaussianTask()], batches],
  ["flow-matching", () => [flowMatching(), gaussianTask()], batches],
  ["ebm", () => [ebm({ negatives: 4, langevin: { iterations: 6, share: 0.5 } }), forkTask()], batches],
  ["mse", () => [mse(), forkTask({ policy: "explicit" })], batches],
  ["particle, implicit", () => [smallParticle(), ebm({ negatives: 2, langevin: { iterations: 3 } })], batches],
  ["particle, explicit, with dropout", () => [smallParticle({ policy: "explicit", dropout: 0.5 }), mse()], batches],
  [
    "gait, a cascade",
    () => [smallGait([{ parameters: ["gait"], steps: 2 }, { parameters: ["muscle_force"] }]), distillation()],
    batches,
  ],
  ["distillation", () => [distillation(), smallGait()], batches],
  ["ik", () => [smallIk(), meanflow()], batches],
  ["pose-loss", () => [poseLoss(), smallIk(), meanflow()], batches],
];

describe.each(cases)("%s", (_name, make, options) => {
  describe.each(["eager", "graph"] as const)("%s", (engine) => {
    for (const check of contractChecks(make, { ...options, engine })) test(check.title, check.run);
  });
});
