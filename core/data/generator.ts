import type { z } from "zod";
import type { Json } from "../json.ts";

/** Makes a data set (`mf data generate`). */
export interface DataGenerator {
  readonly name: string;
  /** One line for `mf data generate --help`. */
  readonly summary: string;
  /** A zod strictObject whose fields have defaults. */
  readonly options: z.ZodObject;
  /** Writes `out` and returns what it wrote, for the command's output. `options` were checked. */
  generate(options: Readonly<Record<string, unknown>>, out: string, progress: (share: number) => void): Promise<Json>;
}
