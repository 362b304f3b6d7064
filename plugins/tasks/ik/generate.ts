import { z } from "zod";
import type { DataGenerator } from "../../../core/data/generator.ts";
import { float32 } from "../../../core/data/host-tensor.ts";
import { writeNpz } from "../../../core/data/npz.ts";
import { parseOptions } from "../../../core/plugin.ts";
import { createStream } from "../../../core/random.ts";
import { poseRows, samplePairs } from "./data.ts";
import { loadRobot } from "./robot/load.ts";

const optionsSchema = z.strictObject({
  robot: z.string().default("panda").describe("a built-in robot or the path of a URDF file"),
  samples: z.number().int().positive().max(20_000_000).default(100_000).describe("pairs to write"),
  regime: z.enum(["servo", "global"]).default("servo").describe("sources near their solutions, or anywhere"),
  sigma: z.number().positive().default(0.1).describe("servo: deviation of a source from its solution, rad"),
  seed: z.number().int().min(0).default(0).describe("decides every number"),
});

const chunk = 16_384;

/** Writes q, q_target `[N, dof]`, target_pose `[N, 7]` and sorted times r ≤ t `[N, 1]`, all float32. */
export const ikGenerator: DataGenerator = {
  name: "ik",
  summary: "joint pairs and poses of a robot",
  options: optionsSchema,
  async generate(given, out, progress) {
    const { robot, samples, regime, sigma, seed } = parseOptions("ik", optionsSchema, given);
    const { chain } = loadRobot(robot);
    const dof = chain.joints.length;
    const q = new Float32Array(samples * dof);
    const target = new Float32Array(samples * dof);
    const pose = new Float32Array(samples * 7);
    const r = new Float32Array(samples);
    const t = new Float32Array(samples);
    for (let from = 0; from < samples; from += chunk) {
      const rows = Math.min(chunk, samples - from);
      const random = createStream(seed, "ik/generate", from);
      const pairs = samplePairs(chain, random, rows, { regime, sigma });
      q.set(pairs.sources, from * dof);
      target.set(pairs.solutions, from * dof);
      pose.set(poseRows(pairs.poses), from * 7);
      for (let i = from; i < from + rows; i++) {
        const [a, b] = [random.uniform(), random.uniform()];
        r[i] = Math.min(a, b);
        t[i] = Math.max(a, b);
      }
      progress((from + rows) / samples);
      // Lets a progress bar draw and Ctrl-C arrive.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writeNpz(out, {
      q: float32(q, [samples, dof]),
      q_target: float32(target, [samples, dof]),
      target_pose: float32(pose, [samples, 7]),
      r: float32(r, [samples, 1]),
      t: float32(t, [samples, 1]),
    });
    return { file: out, robot: chain.description.name, link: chain.tip, samples, regime, sigma, seed };
  },
};
