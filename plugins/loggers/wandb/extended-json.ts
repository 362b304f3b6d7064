import type { Json } from "../../../core/json.ts";

/** A number as W&B's clients write it: JSON, and `NaN`, `Infinity`, `-Infinity` bare, which JSON cannot say. */
export const numberText = (value: number): string => (Number.isFinite(value) ? JSON.stringify(value) : String(value));

/** An object of values that are texts already. */
export const objectText = (values: Iterable<readonly [key: string, text: string]>): string =>
  `{${Array.from(values, ([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`;

/** Any value; numbers that JSON cannot say stay what they are. */
export function valueText(value: Json): string {
  if (typeof value === "number") return numberText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return objectText(Object.entries(value).map(([key, inner]) => [key, valueText(inner)] as const));
}
