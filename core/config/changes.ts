import type { Json } from "../json.ts";
import { leavesOf } from "./plain.ts";

/** What a setting is in one configuration, and in another; null where it is not there. */
export interface Change {
  readonly before: Json;
  readonly after: Json;
}

/** The settings of two configurations as data that differ, by dotted path. */
export function changesBetween(before: Json, after: Json): Record<string, Change> {
  const [was, is] = [before, after].map(
    (data) => new Map(leavesOf(data).map(([path, value]) => [path.join("."), value as Json])),
  ) as [Map<string, Json>, Map<string, Json>];
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return Object.fromEntries(
    keys
      .map((key) => [key, { before: was.get(key) ?? null, after: is.get(key) ?? null }] as const)
      .filter(([, { before, after }]) => JSON.stringify(before) !== JSON.stringify(after)),
  );
}
