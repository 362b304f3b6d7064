import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { z } from "zod";
import { errors } from "../../../../core/errors.ts";
import { describeIssue } from "../../../../core/plugin.ts";
import { parameterErrors } from "./errors.ts";
import { shippedParameters } from "./shipped.ts";
import { isKnownGroup, type LocatedParameter, type ParameterSpace, parameterSpace } from "./space.ts";
import { parseEnvironment } from "./xml.ts";

/**
 * The parameters that a file describes, an environment (.xml) or a list (.json); the shipped ones for `null`. Throws
 * MF_FILE_…, MF_GAIT_XML or MF_GAIT_PARAMETER with the file and what is wrong in it.
 */
export function loadParameters(path: string | null): ParameterSpace {
  if (path === null) return shippedParameters();
  const extension = extname(path).toLowerCase();
  if (extension !== ".xml" && extension !== ".json") {
    throw errors.MF_FILE_FORMAT({ path, problem: "a description of gait parameters is an .xml or a .json file" });
  }
  const text = readText(path).replace(/^\uFEFF/, "");
  return parameterSpace(extension === ".xml" ? parseEnvironment(text, path) : parseList(text, path), path);
}

const parameterSchema = z.strictObject({
  name: z.string().min(1),
  group: z.string().min(1),
  min: z.number(),
  max: z.number(),
  default: z.number(),
  known: z.boolean().optional(),
});

/** Parameters as data: what a checkpoint and an exported file hold. `source` is only for messages. */
export function parametersFromJson(value: unknown, source: string): ParameterSpace {
  return parameterSpace(checkedList(value, source), source);
}

function parseList(text: string, path: string): LocatedParameter[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw errors.MF_FILE_FORMAT({ path, problem: `it is not JSON: ${(cause as Error).message}` }, { cause });
  }
  return checkedList(value, path);
}

function checkedList(value: unknown, at: string): LocatedParameter[] {
  if (!Array.isArray(value)) {
    throw errors.MF_FILE_FORMAT({ path: at, problem: "it must be a list of parameters: [{ name, group, min, … }]" });
  }
  return value.map((given: unknown, index) => {
    const parsed = parameterSchema.safeParse(given);
    if (parsed.success) {
      const { known, ...parameter } = parsed.data;
      return { at, parameter: { ...parameter, known: known ?? isKnownGroup(parameter.group) } };
    }
    const [field, problem] = describeIssue(parsed.error.issues[0]!, parameterSchema);
    const name = (given as { name?: unknown } | null)?.name;
    throw parameterErrors.MF_GAIT_PARAMETER({
      at,
      parameter: typeof name === "string" ? name : `number ${index + 1}`,
      problem: `is wrong${field === "" ? "" : ` in "${field}"`}: ${problem}`,
    });
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw errors.MF_FILE_MISSING({ path, what: "Description of gait parameters" }, { cause });
    }
    throw errors.MF_FILE_UNREADABLE({ path, problem: (cause as Error).message }, { cause });
  }
}
