import { addCommand, type Declare } from "../command.ts";
import { table } from "../output.ts";

export const declarePresets: Declare = (program, { output }) => {
  addCommand(program, "presets", "list the presets", ["mf presets"]).action(async () => {
    const { loadRegistry } = await import("../registry.ts");
    const presets = (await loadRegistry()).presets.map(({ presetName: name, summary }) => ({ name, summary }));
    output.emit({ presets }, () =>
      table(
        ["preset", "summary"],
        presets.map(({ name, summary }) => [name, summary]),
      ),
    );
  });
};
