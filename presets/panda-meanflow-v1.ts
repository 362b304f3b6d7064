import { definePreset } from "../core/config/define.ts";
import { adamW } from "../core/optimizer/adam.ts";
import { meanflow } from "../plugins/objectives/meanflow/index.ts";
import { ik } from "../plugins/tasks/ik/index.ts";
import { gradClip } from "../plugins/training/grad-clip/index.ts";
import { schedule } from "../plugins/training/schedule/index.ts";
import { monitoring } from "./meanflow-ik.ts";

/** 100 epochs of a million samples in batches of 256, as the first version of the project trained on a GPU. */
export const pandaMeanflowV1 = definePreset({
  name: "panda-meanflow-v1",
  summary:
    "Panda at the first version's size (about 18 M parameters) and settings: distance weighting, no pose features",
  build: ({ quick }) => ({
    plugins: [
      ik({
        robot: "panda",
        network: quick
          ? { width: 128, depth: 2, poseError: false }
          : { width: 1024, depth: 4, condition: 1024, poseError: false },
        validationPoses: quick ? 1000 : 2000,
      }),
      meanflow({ weighting: { kind: "distance", p: 0.5, c: 1e-4 } }),
      gradClip({ maxNorm: 1 }),
      schedule({ kind: "cosine", warmupSteps: quick ? 100 : 1000, minLr: 1e-6 }),
      ...monitoring(quick ? "400 steps" : "5000 steps", quick ? 1000 : 10),
    ],
    optimizer: adamW({ lr: quick ? 1e-3 : 1e-4, beta1: 0.9, beta2: 0.999, weightDecay: 1e-5 }),
    train: {
      steps: quick ? 1000 : 390_600,
      batchSize: 256,
      validate: quick ? "500 steps" : "5000 steps",
      log: "100 steps",
    },
  }),
});
