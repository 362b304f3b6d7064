import type { Config } from "../core/config/define.ts";
import { adamW } from "../core/optimizer/adam.ts";
import { consoleProgress } from "../plugins/loggers/console/index.ts";
import { jsonl } from "../plugins/loggers/jsonl/index.ts";
import { meanflow } from "../plugins/objectives/meanflow/index.ts";
import { poseLoss } from "../plugins/objectives/pose-loss/index.ts";
import { ik } from "../plugins/tasks/ik/index.ts";
import { checkpointing } from "../plugins/training/checkpointing/index.ts";
import { earlyStopping } from "../plugins/training/early-stopping/index.ts";
import { ema } from "../plugins/training/ema/index.ts";
import { eta } from "../plugins/training/eta/index.ts";
import { gradClip } from "../plugins/training/grad-clip/index.ts";
import { schedule } from "../plugins/training/schedule/index.ts";
import { stats } from "../plugins/training/stats/index.ts";

/** What the MeanFlow inverse-kinematics presets share; pose error, not loss, decides what is best and when to stop. */
export const monitoring = (every: `${number} steps`, patience: number) => [
  earlyStopping({ metric: "val/position_error_mm", patience }),
  checkpointing({ every, keepLast: 3, best: { metric: "val/position_error_mm", mode: "min" } }),
  stats({ every: 500 }),
  eta(),
  consoleProgress(),
  jsonl(),
];

export interface MeanflowIk {
  readonly robot: string;
  readonly regime?: "servo" | "global";
  readonly quick: boolean;
}

/**
 * Optimizer, clipping, weighting and cadence after the project's first specification (AdamW, β 0.9/0.95, decay 1e-4,
 * cosine after warm-up, clip 1, residual weighting with c = 1e-3), with width, batch, rate and length for half an hour
 * on two cores, on the graph engine, instead of a day on a GPU. Times are spread widely: what is asked for is the whole interval (0, 1), which
 * narrow ones hardly visit.
 */
export const meanflowIk = ({ robot, regime = "servo", quick }: MeanflowIk): Config => {
  const steps = quick ? 1600 : 32_000;
  return {
    plugins: [
      ik({
        robot,
        regime,
        network: { lookAheads: 2, ...(quick ? { width: 128, depth: 3 } : { width: 256, depth: 4 }) },
        validationPoses: quick ? 1000 : 2000,
      }),
      meanflow({
        pDistinct: 0.25,
        times: { mean: 0, deviation: 2 },
        weighting: { kind: "residual", p: 0.75, c: 1e-3 },
      }),
      poseLoss(),
      gradClip({ maxNorm: 1 }),
      schedule({ kind: "cosine", warmupSteps: quick ? 100 : 500, minLr: 1e-6 }),
      ema({ decay: quick ? 0.99 : 0.999 }),
      ...monitoring(quick ? "400 steps" : "2000 steps", quick ? 1000 : 20),
    ],
    // Far sources have large velocities, and the faster rate overshoots them.
    optimizer: adamW({ lr: regime === "servo" ? 2e-3 : 1e-3, beta1: 0.9, beta2: 0.95, weightDecay: 1e-4 }),
    train: { steps, batchSize: quick ? 256 : 512, validate: quick ? "400 steps" : "2000 steps", log: "100 steps" },
  };
};
