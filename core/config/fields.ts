import JSON5 from "json5";
import { z } from "zod";

/** One option of a schema, by its path. */
export interface Field {
  readonly path: readonly string[];
  readonly schema: z.ZodType;
}

/** Every option below an object schema, objects before what is in them. */
export function fieldsOf(schema: z.ZodType, path: readonly string[] = []): Field[] {
  return objectsOf(schema).flatMap((object) =>
    Object.entries(object.shape).flatMap(([key, value]) => {
      const field = { path: [...path, key], schema: value as z.ZodType };
      return [field, ...fieldsOf(field.schema, field.path)];
    }),
  );
}

/** The schema of the option at `path`; undefined when there is none. */
export function fieldAt(schema: z.ZodType, path: readonly string[]): z.ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const bare = unwrap(schema);
  if (bare instanceof z.ZodRecord) return fieldAt(bare.valueType as z.ZodType, rest);
  for (const object of objectsOf(bare)) {
    const found = Object.hasOwn(object.shape, key) && fieldAt(object.shape[key] as z.ZodType, rest);
    if (found) return found;
  }
  return undefined;
}

export const isRecord = (schema: z.ZodType): boolean => unwrap(schema) instanceof z.ZodRecord;
export const isSwitch = (schema: z.ZodType): boolean => unwrap(schema) instanceof z.ZodBoolean;

/**
 * Reads the text of a flag or an environment variable as what the schema wants: "512", "1e-4", "on", "0,1", "none".
 * Text that fits nothing stays text, and the schema's own check then says what is wrong with it.
 */
export function readText(schema: z.ZodType, text: string): unknown {
  if (isNullable(schema) && /^(none|null)$/i.test(text)) return null;
  const bare = unwrap(schema);
  if (bare instanceof z.ZodNumber)
    return /^[-+]?(\d|\.\d)/.test(text) && !Number.isNaN(Number(text)) ? Number(text) : text;
  if (bare instanceof z.ZodBoolean) {
    if (/^(true|yes|on|1)$/i.test(text)) return true;
    return /^(false|no|off|0)$/i.test(text) ? false : text;
  }
  if (bare instanceof z.ZodLiteral) return [...bare.values].find((value) => String(value) === text) ?? text;
  if (bare instanceof z.ZodUnion) {
    const read = (bare.options as z.ZodType[]).map((option) => [option, readText(option, text)] as const);
    return read.find(([option, value]) => option.safeParse(value).success)?.[1] ?? text;
  }
  if (bare instanceof z.ZodArray || bare instanceof z.ZodTuple) {
    if (text.trim().startsWith("[")) return readJson(text);
    const item = (i: number) =>
      (bare instanceof z.ZodArray ? bare.element : bare.def.items[i]) as z.ZodType | undefined;
    const parts = text.trim() === "" ? [] : text.split(",");
    return parts.map((part, i) => readText(item(i) ?? z.unknown(), part.trim()));
  }
  if (bare instanceof z.ZodObject || bare instanceof z.ZodRecord) return readJson(text);
  return text;
}

function readJson(text: string): unknown {
  try {
    return JSON5.parse(text);
  } catch {
    return text;
  }
}

function objectsOf(schema: z.ZodType): z.ZodObject[] {
  const bare = unwrap(schema);
  if (bare instanceof z.ZodObject) return [bare];
  return bare instanceof z.ZodUnion ? (bare.options as z.ZodType[]).flatMap(objectsOf) : [];
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  ) {
    return unwrap(schema.def.innerType as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.def.in as z.ZodType) : schema;
}

function isNullable(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodNullable) return true;
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return isNullable(schema.def.innerType as z.ZodType);
  }
  return false;
}
