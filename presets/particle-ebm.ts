import { definePreset } from "../core/config/define.ts";
import { adam } from "../core/optimizer/adam.ts";
import { ebm } from "../plugins/objectives/ebm/index.ts";
import { particle } from "../plugins/tasks/particle/index.ts";
import { ema } from "../plugins/training/ema/index.ts";
import { imitation } from "./particle-imitation.ts";

/**
 * The published setting with a smaller batch and shorter chains: a step costs a tenth, and half an hour on two cores is
 * thousands of them.
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
        network: { width: quick ? 128 : 256 },
        inference: { samples: quick ? 32 : 128, langevin: { iterations: quick ? 20 : 30 } },
        evaluation: { episodes: quick ? 10 : 20 },
      }),
      ebm({ negatives: 8, langevin: { iterations: quick ? 20 : 30 } }),
      ema({ decay: quick ? 0.99 : 0.999 }),
      ...imitation(quick ? "500 steps" : "1000 steps"),
    ],
    optimizer: adam({ lr: 1e-3 }),
    train: {
      steps: quick ? 1000 : 6000,
      batchSize: quick ? 128 : 256,
      validate: quick ? "500 steps" : "1000 steps",
      log: "100 steps",
    },
  }),
});
