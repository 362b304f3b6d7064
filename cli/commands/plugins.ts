import type { z } from "zod";
import type { Registry } from "../../core/config/registry.ts";
import { errors } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { addCommand, type Declare } from "../command.ts";
import { table } from "../output.ts";
import { knownRegistry } from "../settings.ts";

export const declarePlugins: Declare = (program, context) => {
  addCommand(program, "plugins", "list the plugins, or the options of one", ["mf plugins", "mf plugins ema"])
    .argument("[plugin]")
    .action(async (name: string | undefined) => {
      const all = await Promise.all((await knownRegistry(context)).plugins.map(describe));
      if (name === undefined) {
        context.output.emit({ plugins: all }, () =>
          table(
            ["plugin", "summary"],
            all.map((p) => [p.name, p.provides === "task" ? `${p.summary} (task)` : p.summary]),
          ),
        );
        return;
      }
      const plugin = all.find((p) => p.name === name);
      if (plugin === undefined) throw errors.MF_UNKNOWN({ kind: "plugin", name, known: all.map((p) => p.name) });
      context.output.emit(plugin, () =>
        [
          `${plugin.name}: ${plugin.summary}`,
          "",
          plugin.options.length === 0
            ? "It has no options."
            : table(
                ["flag", "default", "values", "meaning"],
                plugin.options.map((o) => [
                  o.flag,
                  o.default === undefined ? "required" : JSON.stringify(o.default),
                  o.values,
                  o.description ?? "",
                ]),
              ),
        ].join("\n"),
      );
    });
};

async function describe({ pluginName: name, summary, provides, schema }: Registry["plugins"][number]) {
  const [{ fieldsOf }, { toJSONSchema }] = await Promise.all([import("../../core/config/fields.ts"), import("zod")]);
  const valuesOf = (field: z.ZodType): string =>
    valuesIn(toJSONSchema(field, { unrepresentable: "any", io: "input" }) as JsonSchema);
  const fields = fieldsOf(schema);
  const leaves = fields.filter(
    ({ path }) => !fields.some((f) => f.path.length > path.length && path.every((k, i) => f.path[i] === k)),
  );
  const defaults = schema.safeParse({}).data ?? {};
  return {
    name,
    summary,
    provides,
    options: leaves.map(({ path, schema: field }) => ({
      name: path.join("."),
      flag: `--${[name, ...path].map(kebab).join(".")}`,
      default: path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], defaults) as
        | Json
        | undefined,
      values: valuesOf(field),
      description: descriptionOf(field),
    })),
  };
}

const kebab = (word: string): string => word.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();

/** What is read of a JSON schema. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
}

function valuesIn({ type, enum: values, const: constant, anyOf }: JsonSchema): string {
  if (values !== undefined) return values.join(", ");
  if (constant !== undefined) return String(constant);
  if (anyOf !== undefined) return anyOf.map(valuesIn).join(", ");
  return [type ?? "text"]
    .flat()
    .map((name) => (name === "null" ? "none" : name))
    .join(", ");
}

function descriptionOf(field: z.ZodType): string | undefined {
  if (field.description !== undefined) return field.description;
  const inner = (field.def as { innerType?: z.ZodType }).innerType;
  return inner === undefined ? undefined : descriptionOf(inner);
}
