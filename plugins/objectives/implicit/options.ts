import { z } from "zod";

/** A Langevin chain; the defaults are those of implicit behavioural cloning for the particle. */
export const langevinFields = {
  iterations: z.number().int().positive().default(100).describe("steps of the chain"),
  stepSize: z
    .strictObject({
      initial: z.number().positive().default(0.1).describe("of the first step"),
      final: z.number().positive().default(1e-5).describe("of the last step"),
      power: z.number().positive().default(2).describe("of the polynomial between them"),
    })
    .prefault({}),
  noise: z.number().min(0).default(1).describe("deviation of the noise, which is scaled by the step size"),
  deltaClip: z
    .number()
    .positive()
    .nullable()
    .default(0.1)
    .describe("largest move of one step, as a share of half the box; null for none"),
};

export const langevinSchema = z.strictObject(langevinFields).prefault({});
export type LangevinOptions = z.output<typeof langevinSchema>;

/** The derivative-free optimiser; the defaults are those of implicit behavioural cloning. */
export const derivativeFreeFields = {
  iterations: z.number().int().positive().default(3).describe("times that samples are evaluated"),
  noise: z.number().min(0).default(0.33).describe("deviation of the noise after the first resampling"),
  shrink: z.number().positive().max(1).default(0.5).describe("its factor from one resampling to the next"),
};

export const derivativeFreeSchema = z.strictObject(derivativeFreeFields).prefault({});
export type DerivativeFreeOptions = z.output<typeof derivativeFreeSchema>;
