import colors from "picocolors";
import { errors } from "../../core/errors.ts";
import { summarizeFile, summaryTable } from "../array-summary.ts";
import { addCommand, type Context, type Declare, withSettings } from "../command.ts";
import { pretty } from "../output.ts";

export const declareData: Declare = (program, context) => {
  const data = program.command("data").description("make and look at data files").exitOverride();
  const generate = addCommand(data, "generate", "make a data file; options are --key value", [
    "mf data generate --robot panda --samples 1000000 --out panda.npz",
    "mf data generate --task ik --robot ur10 --regime global --out ur10.npz",
  ]);
  withSettings(generate, "options")
    .requiredOption("--out <file>", "the file to write")
    .option("--task <name>", "what the data is for; default: the first there is")
    .action((words: string[], flags: GenerateFlags) => generateCommand(words, flags, context));
  addCommand(data, "inspect", "print a data file's arrays: dtype, shape, range, NaN", ["mf data inspect panda.npz"])
    .argument("<file>")
    .action(async (file: string) => {
      const arrays = await summarizeFile(file);
      context.output.emit({ file, arrays }, () => summaryTable(arrays));
    });
};

interface GenerateFlags {
  readonly out: string;
  readonly task?: string;
}

async function generateCommand(
  words: readonly string[],
  { out, task }: GenerateFlags,
  context: Context,
): Promise<void> {
  const [{ loadRegistry }, { readOptions }] = await Promise.all([
    import("../registry.ts"),
    import("../../core/config/overrides.ts"),
  ]);
  const { generators } = await loadRegistry();
  const generator = task === undefined ? generators[0] : generators.find((g) => g.name === task);
  if (generator === undefined) {
    throw errors.MF_UNKNOWN({ kind: "data generator", name: task ?? "", known: generators.map((g) => g.name) });
  }
  const { positional, options } = readOptions(words, generator.options);
  if (positional.length > 0) {
    throw errors.MF_USAGE({
      problem: `"${positional[0]}" is one word too many.`,
      usage: "Write options as --key value.",
    });
  }
  const written = await generator.generate(options, out, progressTo(process.stderr));
  context.output.emit(written, () => pretty(written));
}

/** A line that is redrawn on a terminal; nothing elsewhere. */
function progressTo(stream: NodeJS.WriteStream): (share: number) => void {
  if (!stream.isTTY) return () => {};
  return (share) => {
    stream.write(`\r${colors.dim(`${(share * 100).toFixed(0)} %`)}${share >= 1 ? "\r\u001b[K" : ""}`);
  };
}
