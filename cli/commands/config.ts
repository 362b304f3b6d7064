import type { Json } from "../../core/json.ts";
import { addCommand, type Declare, withSettings } from "../command.ts";
import { table } from "../output.ts";
import { type ConfigOptions, readSettings, withConfigOptions } from "../settings.ts";

export const declareConfig: Declare = (program, context) => {
  const command = addCommand(program, "config", "print the resolved configuration and where each value comes from", [
    "mf config panda-meanflow --lr 1e-4",
    "mf config --json",
  ]);
  withConfigOptions(withSettings(command, "preset and settings")).action(
    async (words: string[], flags: ConfigOptions) => {
      const { data, origins } = (await readSettings(words, flags, context)).resolve();
      const { leavesOf } = await import("../../core/config/plain.ts");
      context.output.emit({ config: data, origins }, () =>
        table(
          ["key", "value", "origin"],
          leavesOf(data).map(([path, value]) => {
            const key = path.join(".");
            return [key, show(value as Json), originOf(key, origins)];
          }),
        ),
      );
    },
  );
};

const show = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** An element of an option that was set as a whole has the option's origin. */
function originOf(key: string, origins: Readonly<Record<string, string>>): string {
  for (let at = key; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const found = origins[at];
    if (found !== undefined) return found;
  }
  return "default";
}
