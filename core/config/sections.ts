import type { z } from "zod";
import { describeIssue, merge } from "../plugin.ts";
import { fieldAt, readText } from "./fields.ts";
import { treeOf } from "./plain.ts";
import type { Problem, Setting } from "./settings.ts";

/** The settings as an object to merge into the section, texts read as the schema wants. */
export const changesOf = (
  schema: z.ZodObject,
  settings: readonly Setting[],
  section: readonly string[],
): Record<string, unknown> =>
  treeOf(settings.map((setting) => [setting.path.slice(section.length), typed(schema, setting, section)] as const));

const typed = (schema: z.ZodObject, { path, value, isText }: Setting, section: readonly string[]): unknown => {
  const field = isText ? fieldAt(schema, path.slice(section.length)) : undefined;
  return field === undefined ? value : readText(field, String(value));
};

/**
 * The section with the settings in it, checked as a whole, or what is wrong with which setting. A problem that no setting
 * caused, such as an option left out, is laid to `because`.
 */
export function changeSection<S extends z.ZodObject>(
  schema: S,
  current: Readonly<Record<string, unknown>>,
  settings: readonly Setting[],
  section: readonly string[],
  because: Setting | undefined = settings[0],
): { readonly value?: z.output<S>; readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(merge({ ...current }, changesOf(schema, settings, section)));
  if (parsed.success) return { value: parsed.data, problems: [] };
  const problems = parsed.error.issues.map((issue): Problem => {
    const [dotted, problem] = describeIssue(issue, schema);
    const path = [...section, ...(dotted === "" ? [] : dotted.split("."))];
    const culprit = settings.findLast(({ path: at }) => startsWith(at, path) || startsWith(path, at));
    if (culprit === undefined) return { label: because?.label ?? section.join("."), problem: `${dotted}: ${problem}` };
    return { label: culprit.label, problem: withReceived(issue, problem, typed(schema, culprit, section)) };
  });
  return { problems };
}

const startsWith = (path: readonly string[], start: readonly string[]): boolean =>
  start.every((key, i) => path[i] === key);

function withReceived(issue: z.core.$ZodIssue, problem: string, value: unknown): string {
  if (issue.code === "unrecognized_keys") return problem;
  const received = JSON.stringify(value) ?? String(value);
  return `${problem}, received ${received.length > 60 ? `${received.slice(0, 57)}…` : received}`;
}
