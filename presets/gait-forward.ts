import { definePreset } from "../core/config/define.ts";
import { adam } from "../core/optimizer/adam.ts";
import { distillation } from "../plugins/objectives/distillation/index.ts";
import { gait } from "../plugins/tasks/gait/index.ts";
import { gradClip } from "../plugins/training/grad-clip/index.ts";
import { gaitMonitoring } from "./gait.ts";

/**
 * Every number of the published training code, which has no schedule, no validation and no end: it stops after 100 chunks
 * of 5 passes, one fill of that code's buffer.
 */
export const gaitForward = definePreset({
  name: "gait-forward",
  summary: "forward GaitNet at the published setting: Adam 1e-5, gradients clamped to ±0.1, batches of 128",
  build: ({ quick }) => ({
    plugins: [
      gait({
        network: { width: quick ? 256 : 512, depth: 3, activation: "relu" },
        chunk: { rows: 65_536, passes: 5 },
        evaluation: { motions: quick ? 64 : 256 },
      }),
      distillation({ scale: 5, weights: { root: 2, upperBody: 0.5 } }),
      gradClip({ maxNorm: null, maxValue: 0.1 }),
      ...gaitMonitoring(quick ? "1000 steps" : "12800 steps"),
    ],
    optimizer: adam({ lr: 1e-5 }),
    train: {
      steps: quick ? 3000 : 256_000,
      batchSize: 128,
      validate: quick ? "1000 steps" : "12800 steps",
      log: quick ? "100 steps" : "500 steps",
    },
  }),
});
