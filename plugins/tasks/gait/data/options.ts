import { z } from "zod";

/** The task's options that concern its data. */
export const gaitDataOptions = {
  data: z.string().nullable().default(null).describe("a folder of NPZ files; null to make synthetic motions on demand"),
  parameters: z.string().nullable().default(null).describe("an XML or JSON description; null for the shipped one"),
  memoryMb: z.number().positive().default(1024).describe("limit of the memory that training data takes, MiB"),
  chunk: z
    .strictObject({
      rows: z
        .number()
        .int()
        .positive()
        .nullable()
        .default(null)
        .describe("samples of files shuffled together; null for all that fit"),
      passes: z
        .number()
        .int()
        .positive()
        .default(1)
        .describe("times each chunk of files is gone through before the next"),
    })
    .prefault({}),
  validation: z
    .strictObject({
      files: z.number().gt(0).lt(1).default(0.1).describe("share of the files that is held out: the last, sorted"),
    })
    .prefault({}),
  skipBadFiles: z.boolean().default(false).describe("checks every value first and leaves files with bad ones out"),
} as const;

export type GaitDataOptions = z.output<z.ZodObject<typeof gaitDataOptions>>;
