import type { Tensor } from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { fileDataset, heldOutDataset, sampledDataset } from "./data.ts";
import { poseEvaluator } from "./evaluate.ts";
import { answerWithJoints } from "./infer.ts";
import { networkSchema, velocityNetwork } from "./network.ts";
import { reachingScene } from "./report.ts";
import { tipErrorTensor } from "./robot/fk-tensor.ts";
import { loadRobot } from "./robot/load.ts";
import { solver } from "./solve.ts";

/** Inverse kinematics as a flow from a reference configuration to a solution of a target pose. */
export const ik = definePlugin({
  name: "ik",
  summary: "inverse kinematics of a serial robot: joint pairs, a FiLM MLP-ResNet, pose errors beside DLS baselines",
  provides: "task",
  options: z.strictObject({
    robot: z.string().default("panda").describe("panda, ur10, ur10e, or the path of a URDF file"),
    tip: z.string().nullable().default(null).describe("the link to place; null for the robot's usual one"),
    regime: z.enum(["servo", "global"]).default("servo").describe("references near the solution, or anywhere"),
    sigma: z.number().positive().default(0.1).describe("servo: deviation of a reference from its solution, rad"),
    data: z.string().nullable().default(null).describe("an .npz of pairs to train on; null to make them on the fly"),
    network: networkSchema,
    solve: z
      .strictObject({
        steps: z.number().int().positive().default(1).describe("flow steps from reference to solution"),
        velocity: z.enum(["average", "instantaneous"]).default("average").describe("instantaneous for flow matching"),
      })
      .prefault({}),
    polish: z.number().int().min(0).default(0).describe("DLS steps on the network's answer, measured beside it"),
    validationPoses: z.number().int().positive().default(2000).describe("held-out poses to measure on"),
  }),
  setup({ task, evaluator, report }, options) {
    const { chain } = loadRobot(options.robot, options.tip === null ? {} : { tip: options.tip });
    const regime = { regime: options.regime, sigma: options.sigma };
    const displacement = options.regime === "servo" ? options.sigma : 1;
    const model = velocityNetwork(chain, displacement, options.network);
    const solve = solver(chain, model, options.solve, regime);
    task({
      name: "ik",
      model,
      dataset: () => (options.data === null ? sampledDataset(chain, regime) : fileDataset(chain, options.data)),
      heldOut: () => heldOutDataset(chain, regime),
      inference: { ...solve, answer: (predict, request) => answerWithJoints(chain, predict, request, regime) },
    });
    evaluator(poseEvaluator(chain, { ...regime, poses: options.validationPoses, polish: options.polish }));
    report({ name: "ik/reaching", title: "Reaching", build: (_, predict) => reachingScene(chain, regime, predict) });
    return { tipError: (q: Tensor, pose: Tensor): Tensor => tipErrorTensor(chain, q, pose) };
  },
});
