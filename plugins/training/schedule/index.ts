import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { buildSchedule } from "./schedule.ts";

/** Changes the learning rate over the run: the optimizer's rate is the peak. */
export const schedule = definePlugin({
  name: "schedule",
  summary: "learning-rate schedule: constant, linear, cosine, exponential or piecewise, with warm-up",
  options: z.strictObject({
    kind: z.enum(["constant", "linear", "cosine", "exponential", "piecewise"]).default("cosine"),
    warmupSteps: z.number().int().min(0).default(0).describe("steps of linear warm-up"),
    minLr: z.number().min(0).default(0).describe("linear, cosine: the rate at the end"),
    steps: z
      .number()
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe("linear, cosine: their length; null for the run's"),
    decay: z.number().positive().max(1).default(0.99).describe("exponential: factor each `every` steps"),
    every: z.number().int().positive().default(100).describe("exponential: steps of one factor"),
    staircase: z.boolean().default(false).describe("exponential: in jumps instead of continuously"),
    boundaries: z
      .array(z.number().int().positive())
      .default([])
      .describe("piecewise: steps at which the factor changes"),
    factors: z
      .array(z.number().min(0))
      .default([1])
      .describe("piecewise: factors of the peak, one more than boundaries"),
  }),
  setup({ scalar, settings }, options) {
    const peak = settings.learningRate;
    const factor = buildSchedule(options, peak, settings.steps);
    scalar("lr", ({ steps }) => peak * factor(steps));
  },
});
