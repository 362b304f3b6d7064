import { type Command, InvalidArgumentError } from "commander";
import { errors } from "../core/errors.ts";
import type { Output } from "./output.ts";

/** What every command is given. */
export interface Context {
  readonly output: Output;
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Exits with this code although nothing failed. */
  setExitCode(code: number): void;
}

/** Declares one command of the program. What it needs to run is imported by its action, so that help stays fast. */
export type Declare = (program: Command, context: Context) => void;

/** A command with `--json` and an example in its help. */
export function addCommand(program: Command, name: string, summary: string, examples: readonly string[]): Command {
  return program
    .command(name)
    .description(summary)
    .option("--json", "print one JSON document on standard output")
    .option("--debug", "print stack traces")
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
}

/** Hands every word the command does not know on to its action, in order: settings, and what stands between them. */
export const withSettings = (command: Command, name = "settings"): Command =>
  command.argument(`[${name}...]`).allowUnknownOption().allowExcessArguments();

/** A command about a trained model: its words name the model, and change the configuration that it is opened with. */
export const withModel = (command: Command, name: string): Command =>
  withSettings(command, `${name} and settings`)
    .option("--checkpoint <which>", "of a run: best, last, or a name; default: best, else last")
    .addHelpText(
      "after",
      "\nSettings change the run's configuration, as in mf train: --backend wasm, --task.… (mf plugins <task> lists them).",
    );

/** Reads `0.1,0.2` or `0.1 0.2`. Throws MF_USAGE naming the flag, for another count too when one is due. */
export function readNumbers(flag: string, text: string, count?: number): number[] {
  const words = text.trim().split(/[\s,]+/);
  const wrong = words.find((word) => word === "" || !Number.isFinite(Number(word)));
  if (wrong !== undefined) {
    throw errors.MF_USAGE({
      problem: `${flag}: "${wrong}" is not a number.`,
      usage: "Write numbers with commas: 0,0.5,-1.",
    });
  }
  if (count !== undefined && words.length !== count) {
    const problem = `${flag}: ${count} numbers are due, but ${words.length} were given.`;
    throw errors.MF_USAGE({ problem, usage: "Write them with commas and without spaces." });
  }
  return words.map(Number);
}

/** For commander: a whole number from `min` on. */
export const wholeNumber =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min) {
      throw new InvalidArgumentError(`It must be a whole number ≥ ${min}.`);
    }
    return value;
  };
