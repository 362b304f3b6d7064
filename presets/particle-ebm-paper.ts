import { definePreset } from "../core/config/define.ts";
import { adam } from "../core/optimizer/adam.ts";
import { ebm } from "../plugins/objectives/ebm/index.ts";
import { particle } from "../plugins/tasks/particle/index.ts";
import { imitation } from "./particle-imitation.ts";

/** Every number of `mlp_ebm_langevin.gin` of implicit behavioural cloning; TensorFlow's Adam adds 1e-7. */
export const particleEbmPaper = definePreset({
  name: "particle-ebm-paper",
  summary: "particle, implicit policy at the published setting: 512 × 8 counter-examples, chains of 100, 100 000 steps",
  build: ({ quick }) => {
    const samples = quick ? 32 : 512;
    const iterations = quick ? 20 : 100;
    return {
      plugins: [
        particle({
          policy: "implicit",
          network: { width: quick ? 64 : 256, depth: 2, activation: "relu", layerNorm: false, dropout: 0 },
          inference: { method: "langevin", samples, langevin: { iterations } },
          evaluation: { episodes: quick ? 10 : 20 },
        }),
        ebm({
          negatives: 8,
          langevin: {
            iterations,
            stepSize: { initial: 0.1, final: 1e-5, power: 2 },
            noise: 1,
            deltaClip: 0.1,
            share: 1,
          },
          temperature: 1,
          gradientPenalty: { weight: 1, margin: 1 },
        }),
        ...imitation({ every: quick ? "500 steps" : "10000 steps" }),
      ],
      optimizer: adam({ lr: 1e-3, epsilon: 1e-7 }),
      train: {
        steps: quick ? 1000 : 100_000,
        batchSize: quick ? 128 : 512,
        validate: quick ? "500 steps" : "10000 steps",
        log: "100 steps",
      },
    };
  },
});
