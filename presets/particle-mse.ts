import { definePreset } from "../core/config/define.ts";
import { adam } from "../core/optimizer/adam.ts";
import { mse } from "../plugins/objectives/mse/index.ts";
import { particle } from "../plugins/tasks/particle/index.ts";
import { ema } from "../plugins/training/ema/index.ts";
import { imitation } from "./particle-imitation.ts";

/** After `mlp_mse.gin` of implicit behavioural cloning: the same network, with dropout. */
export const particleMse = definePreset({
  name: "particle-mse",
  summary: "particle, explicit policy: regression with the same network, to compare with",
  build: ({ quick }) => ({
    plugins: [
      particle({
        policy: "explicit",
        keyframes: 8,
        network: { width: 128, dropout: 0.1 },
        evaluation: { episodes: quick ? 10 : 100 },
      }),
      mse(),
      ema({ decay: quick ? 0.99 : 0.999 }),
      ...imitation({ every: quick ? "500 steps" : "5000 steps" }),
    ],
    optimizer: adam({ lr: 1e-3 }),
    train: {
      steps: quick ? 1000 : 50_000,
      batchSize: quick ? 128 : 512,
      validate: quick ? "500 steps" : "5000 steps",
      log: "100 steps",
    },
  }),
});
