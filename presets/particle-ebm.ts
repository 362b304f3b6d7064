import { definePreset } from "../core/config/define.ts";
import { adam } from "../core/optimizer/adam.ts";
import { ebm } from "../plugins/objectives/ebm/index.ts";
import { particle } from "../plugins/tasks/particle/index.ts";
import { ema } from "../plugins/training/ema/index.ts";
import { imitation } from "./particle-imitation.ts";

/**
 * The published setting with half the width, half the batch and a fifth of the chain: a step costs a twentieth, and a
 * quarter of an hour on two cores is thousands of them. The learning rate falls three times as fast.
 */
export const particleEbm = definePreset({
  name: "particle-ebm",
  summary: "particle, implicit policy: an energy of actions, minimised when asked; sized for two cores",
  build: ({ quick }) => ({
    plugins: [
      particle({
        policy: "implicit",
        // The first steps and the turns, repeated: two frames reveal the last action, and copying it is right in between.
        keyframes: 8,
        network: { width: 128 },
        inference: { samples: 32, langevin: { iterations: 20 } },
        evaluation: { episodes: quick ? 10 : 100 },
      }),
      ebm({ negatives: 8, langevin: { iterations: 20 } }),
      ema({ decay: quick ? 0.99 : 0.999 }),
      ...imitation({ every: quick ? "500 steps" : "2000 steps", decay: quick ? 0.99 : 0.97 }),
    ],
    optimizer: adam({ lr: 1e-3 }),
    train: {
      steps: quick ? 1000 : 16_000,
      batchSize: quick ? 128 : 256,
      validate: quick ? "500 steps" : "2000 steps",
      log: "100 steps",
    },
  }),
});
