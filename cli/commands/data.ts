import { stat } from "node:fs/promises";
import colors from "picocolors";
import type { z } from "zod";
import type { Inspection } from "../../core/data/generator.ts";
import { errors } from "../../core/errors.ts";
import { summarizeFile, summaryTable } from "../array-summary.ts";
import { addCommand, type Context, type Declare, withSettings } from "../command.ts";
import { pretty, table } from "../output.ts";

export const declareData: Declare = (program, context) => {
  const data = program.command("data").description("make, convert and look at data files").exitOverride();
  const generate = addCommand(data, "generate", "make a data file; options are --key value", [
    "mf data generate --robot panda --samples 1000000 --out panda.npz",
    "mf data generate --task ik --robot ur10 --regime global --out ur10.npz",
  ]);
  withSettings(generate, "options")
    .requiredOption("--out <file>", "the file to write")
    .option("--task <name>", "what the data is for; default: the first there is")
    .action((words: string[], flags: GenerateFlags) => generateCommand(words, flags, context));
  const convert = addCommand(data, "convert", "make training data of raw data; options are --key value", [
    "mf data convert gait --in rollouts --out motions",
  ]).argument("<task>", "what the data is for");
  withSettings(convert, "options")
    .requiredOption("--in <path>", "what to read")
    .requiredOption("--out <path>", "what to write")
    .action((task: string, words: string[], flags: ConvertFlags) => convertCommand(task, words, flags, context));
  const inspect = addCommand(data, "inspect", "print what a data file or a folder of them holds: ranges, NaN", [
    "mf data inspect panda.npz",
    "mf data inspect motions --task gait",
  ]).argument("<path>");
  withSettings(inspect, "options")
    .option("--task <name>", "what the data is for; default for a folder: the first there is")
    .action((path: string, words: string[], flags: InspectFlags) => inspectCommand(path, words, flags, context));
};

interface GenerateFlags {
  readonly out: string;
  readonly task?: string;
}

interface ConvertFlags {
  readonly in: string;
  readonly out: string;
}

interface InspectFlags {
  readonly task?: string;
}

async function generateCommand(
  words: readonly string[],
  { out, task }: GenerateFlags,
  context: Context,
): Promise<void> {
  const { generators } = await registry();
  const generator = toolFor(task, generators, "data generator");
  const options = await optionsOf(words, generator.options);
  const written = await generator.generate(options, out, progressTo(process.stderr));
  context.output.emit(written, () => pretty(written));
}

async function convertCommand(
  task: string,
  words: readonly string[],
  { in: from, out }: ConvertFlags,
  context: Context,
): Promise<void> {
  const { converters } = await registry();
  const converter = toolFor(task, converters, "data converter");
  const options = await optionsOf(words, converter.options);
  const done = await converter.convert(options, from, out, progressTo(process.stderr));
  context.output.emit(done, () => pretty(done));
}

async function inspectCommand(
  path: string,
  words: readonly string[],
  { task }: InspectFlags,
  context: Context,
): Promise<void> {
  if (task === undefined && !(await isFolder(path))) {
    if (words.length > 0) {
      const problem = `"${words[0]}" is one word too many: a data file of no task is looked at without options.`;
      throw errors.MF_USAGE({ problem, usage: "Leave it out, or name the task (--task)." });
    }
    const arrays = await summarizeFile(path);
    context.output.emit({ file: path, arrays }, () => summaryTable(arrays));
    return;
  }
  const { inspectors } = await registry();
  const inspector = toolFor(task, inspectors, "data inspector");
  const options = await optionsOf(words, inspector.options);
  const { document, tables } = await inspector.inspect(options, path, progressTo(process.stderr));
  context.output.emit(document, () => tables.map(titled).join("\n\n"));
}

async function isFolder(path: string): Promise<boolean> {
  const { readError } = await import("../../core/data/bytes.ts");
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw readError(path, "Data", cause);
  }
}

const titled = ({ title, header, rows }: Inspection["tables"][number]): string =>
  `${colors.bold(title)}\n${table(header, rows)}`;

const registry = async () => (await import("../registry.ts")).loadRegistry();

/** The tool of that name, or the first. Throws MF_UNKNOWN. */
function toolFor<T extends { readonly name: string }>(name: string | undefined, tools: readonly T[], kind: string): T {
  const found = name === undefined ? tools[0] : tools.find((tool) => tool.name === name);
  if (found === undefined) throw errors.MF_UNKNOWN({ kind, name: name ?? "", known: tools.map((tool) => tool.name) });
  return found;
}

/** Reads `--key value` words. Throws MF_UNKNOWN, MF_USAGE and MF_CONFIG. */
async function optionsOf(words: readonly string[], schema: z.ZodObject): Promise<Record<string, unknown>> {
  const { readOptions } = await import("../../core/config/overrides.ts");
  const { positional, options } = readOptions(words, schema);
  if (positional.length > 0) {
    throw errors.MF_USAGE({
      problem: `"${positional[0]}" is one word too many.`,
      usage: "Write options as --key value.",
    });
  }
  return options;
}

/** A line that is redrawn on a terminal; nothing elsewhere. */
function progressTo(stream: NodeJS.WriteStream): (share: number) => void {
  if (!stream.isTTY) return () => {};
  return (share) => {
    stream.write(`\r${colors.dim(`${(share * 100).toFixed(0)} %`)}${share >= 1 ? "\r\u001b[K" : ""}`);
  };
}
