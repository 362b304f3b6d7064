import { z } from "zod";
import { definePreset } from "../../../core/config/define.ts";
import type { Registry } from "../../../core/config/registry.ts";
import { adamW, optimizers } from "../../../core/optimizer/index.ts";
import { definePlugin } from "../../../core/plugin.ts";

export const reach = definePlugin({
  name: "reach",
  summary: "A task with a robot",
  provides: "task",
  options: z.strictObject({
    robot: z.string().default("panda"),
    size: z.number().int().positive().default(64),
    noise: z
      .strictObject({ deviation: z.number().min(0).default(0.1), shared: z.boolean().default(false) })
      .prefault({}),
  }),
  setup: () => undefined,
});
export const average = definePlugin({
  name: "average",
  summary: "Averages",
  options: z.strictObject({ decay: z.number().min(0).lt(1).default(0.999) }),
  setup: () => undefined,
});
export const earlyStopping = definePlugin({
  name: "early-stopping",
  summary: "Stops early",
  options: z.strictObject({
    metric: z.string().nullable().default("val/error"),
    patience: z.number().int().positive().default(5),
    mode: z.enum(["min", "max"]).default("min"),
    betas: z.array(z.number()).default([0.9, 0.99]),
    weights: z.record(z.string(), z.number()).default({}),
    verbose: z.boolean().default(false),
  }),
  setup: () => undefined,
});

export const reachBasic = definePreset({
  name: "reach-basic",
  summary: "Reaches",
  build: ({ quick }) => ({
    plugins: [reach({ robot: "ur10" }), average({ decay: 0.99 })],
    optimizer: adamW({ lr: 2e-4 }),
    train: { steps: quick ? 10 : 5000, batchSize: 128 },
  }),
});
export const other = definePreset({ name: "other", summary: "Another", build: () => ({ plugins: [reach()] }) });

export const registry: Registry = {
  plugins: [reach, average, earlyStopping],
  optimizers,
  presets: [reachBasic, other],
  generators: [],
  converters: [],
  inspectors: [],
};
