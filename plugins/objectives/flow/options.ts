import { z } from "zod";

/** Logit-normal times, in forward time (source at 0, solution at 1). */
export const timesSchema = z
  .strictObject({
    mean: z.number().default(0.4).describe("mean of the normal whose logistic is a time (source at 0, solution at 1)"),
    deviation: z.number().positive().default(1).describe("its deviation"),
  })
  .prefault({});

export const pDistinctSchema = z
  .number()
  .min(0)
  .max(1)
  .default(0.25)
  .describe("share of the rows whose interval has r ≠ t; the others train the instantaneous velocity");
