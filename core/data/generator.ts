import type { z } from "zod";
import type { Json } from "../json.ts";

/** What a task offers for its data on the command line. */
interface DataTool {
  readonly name: string;
  /** One line for help. */
  readonly summary: string;
  /** A zod strictObject whose fields have defaults. */
  readonly options: z.ZodObject;
}

type Options = Readonly<Record<string, unknown>>;
type Progress = (share: number) => void;

/** Makes a data set (`mf data generate`). */
export interface DataGenerator extends DataTool {
  /** Writes `out` and returns what it wrote, for the command's output. `options` were checked. */
  generate(options: Options, out: string, progress: Progress): Promise<Json>;
}

/** Makes training data of what a simulation or a recording left (`mf data convert`). */
export interface DataConverter extends DataTool {
  /** Reads `from`, writes `out` and returns what it did, for the command's output. `options` were checked. */
  convert(options: Options, from: string, out: string, progress: Progress): Promise<Json>;
}

/** Looks through a data set of a task (`mf data inspect`). */
export interface DataInspector extends DataTool {
  inspect(options: Options, path: string, progress: Progress): Promise<Inspection>;
}

/** What was found: a document with all of it, and tables of what a person looks for. */
export interface Inspection {
  readonly document: Json;
  readonly tables: readonly InspectionTable[];
}

export interface InspectionTable {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}
