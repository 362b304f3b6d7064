import { z } from "zod";
import { intervalSchema } from "../when.ts";

const count = z.number().int().positive();

/** The `train` section of a configuration. */
export const trainSchema = z.strictObject({
  steps: count.nullable().default(1000).describe("optimizer steps to train; null for no limit"),
  epochs: count.nullable().default(null).describe("passes over the data to train; null for no limit"),
  minutes: z.number().positive().nullable().default(null).describe("wall-clock limit in minutes; null for no limit"),
  batchSize: count.default(256).describe("samples of a micro-batch"),
  accumulate: count.default(1).describe("micro-batches of an optimizer step"),
  seed: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe("decides every random number of the run"),
  validate: intervalSchema
    .nullable()
    .default("500 steps")
    .describe("how often held-out data is measured; null for only at the end"),
  log: intervalSchema.default("100 steps").describe("how often training metrics are recorded"),
  nonFinite: z
    .enum(["rollback", "stop"])
    .default("rollback")
    .describe("what happens when losses or gradients stay NaN or infinite"),
  maxSkipped: count.default(10).describe("steps in a row that may be skipped for NaN before that happens"),
});
export type TrainOptions = z.output<typeof trainSchema>;

export const backendSchema = z
  .enum(["auto", "tensorflow", "wasm", "cpu"])
  .default("auto")
  .describe("what runs the tensors");
export const engineSchema = z
  .enum(["auto", "graph", "eager"])
  .default("auto")
  .describe("how the step is run: recorded once and run by ONNX Runtime, or kernel by kernel");
export const deviceSchema = z
  .enum(["cpu", "cuda", "webgpu"])
  .default("cpu")
  .describe("what the graph engine computes on");

/** What a configuration says beside its sections. */
export const runSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_][\w.-]*$/, "must be a folder's name: letters, digits, dots, dashes and underscores")
    .nullable()
    .default(null)
    .describe("the run's folder below runs/; null for the preset's name and a number"),
  backend: backendSchema,
  engine: engineSchema,
  device: deviceSchema,
});
