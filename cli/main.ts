import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { errors } from "../core/errors.ts";
import type { Declare } from "./command.ts";
import { declareConfig } from "./commands/config.ts";
import { declareData } from "./commands/data.ts";
import { declareDoctor } from "./commands/doctor.ts";
import { declareEval } from "./commands/eval.ts";
import { declareExplain } from "./commands/explain.ts";
import { declareExport } from "./commands/export.ts";
import { declareInfer } from "./commands/infer.ts";
import { declareInspect } from "./commands/inspect.ts";
import { declarePlot } from "./commands/plot.ts";
import { declarePlugins } from "./commands/plugins.ts";
import { declarePresets } from "./commands/presets.ts";
import { declareReport } from "./commands/report.ts";
import { declareRobot } from "./commands/robot.ts";
import { declareRuns } from "./commands/runs.ts";
import { declareTrain } from "./commands/train.ts";
import { declareWandb } from "./commands/wandb.ts";
import { declareWatch } from "./commands/watch.ts";
import { createOutput, reportError } from "./output.ts";

const commands: readonly Declare[] = [
  declareTrain,
  declareEval,
  declareInfer,
  declareExport,
  declareReport,
  declareWatch,
  declarePlot,
  declareData,
  declareRobot,
  declareInspect,
  declareRuns,
  declareWandb,
  declarePresets,
  declarePlugins,
  declareConfig,
  declareExplain,
  declareDoctor,
];

/** Runs one command line and returns its exit code: 0, 1 (our fault), 2 (the user's), 130 (interrupted, saved). */
export async function main(words: readonly string[]): Promise<number> {
  const end = words.indexOf("--");
  const flags = end < 0 ? words : words.slice(0, end);
  const json = flags.includes("--json");
  const debug = flags.includes("--debug") || Boolean(process.env["MF_DEBUG"]);
  // Libraries that chat on standard output would spoil the document.
  if (json) console.log = console.info = console.debug = console.error;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of the pipe has seen enough.
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });

  let exitCode = 0;
  const program = new Command("mf")
    .description("Trains models of motion and robot behaviour.")
    .version(version(), "-V, --version")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      "after",
      "\nExamples:\n  mf train panda-meanflow --quick\n  mf train panda-meanflow --lr 1e-4 --no-ema\n  mf presets",
    );
  const context = {
    output: createOutput(json),
    directory: process.cwd(),
    env: process.env,
    setExitCode: (code: number) => {
      exitCode = code;
    },
  };
  for (const declare of commands) declare(program, context);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, { json, debug });
    if (error.exitCode === 0) return 0;
    // `mf data` alone prints its help.
    if (error.code === "commander.help") return 2;
    const [problem, near] = error.message.replace(/^error: /, "").split("\n(Did you mean ");
    const command = program.commands.find((c) => c.name() === words[0]);
    const usage =
      near === undefined
        ? `See mf ${command ? `${command.name()} ` : ""}--help.`
        : `Did you mean ${near.replace(/\W+$/, "")}?`;
    return reportError(errors.MF_USAGE({ problem: `${problem!.replace(/\.$/, "")}.`, usage }), { json, debug });
  }
}

function version(): string {
  // One folder up from the source, two from the built file.
  for (const up of ["../", "../../"]) {
    try {
      const text = readFileSync(new URL(`${up}package.json`, import.meta.url), "utf8");
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "unknown";
}
