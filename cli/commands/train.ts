import { join, relative } from "node:path";
import { errors } from "../../core/errors.ts";
import { addCommand, type Context, type Declare, withSettings } from "../command.ts";
import { results } from "../output.ts";
import { type Asked, type ConfigOptions, readSettings, runsDirectory, withConfigOptions } from "../settings.ts";

interface TrainFlags extends ConfigOptions {
  readonly resume?: string;
  readonly force?: boolean;
  readonly dropState?: string;
  readonly runs?: string;
}

export const declareTrain: Declare = (program, context) => {
  const command = addCommand(program, "train", "train a model; settings are --key value", [
    "mf train panda-meanflow --quick",
    "mf train panda-meanflow --lr 1e-4 --batch-size 512 --steps 20000 --no-ema",
    "mf train --resume last",
    "mf train --resume runs/panda-meanflow-001 --steps 40000",
  ]);
  withConfigOptions(withSettings(command, "preset and settings"))
    .option("--resume <where>", "go on from last, best, a checkpoint's name or a path")
    .option("--force", "go on although the run had been stopped")
    .option("--drop-state <plugins>", "on resume, leave out the saved state of these plugins (a,b)")
    .option("--runs <folder>", "where runs are kept; default: MF_RUNS_DIR or runs")
    .action((words: string[], flags: TrainFlags) => trainCommand(words, flags, context));
};

async function trainCommand(words: readonly string[], flags: TrainFlags, context: Context): Promise<void> {
  const { output } = context;
  const asked = await readSettings(words, flags, context);
  const runs = runsDirectory(context, flags.runs);
  const resumed = await savedConfig(asked, flags.resume, runs);
  const config = asked.resolve(resumed?.saved);
  const resume = resumed?.resume ?? flags.resume;
  const [, aside] = config.origins["preset"]?.split("; ") ?? [];
  if (aside !== undefined) output.info(`${aside}; use it with --config, or by naming no preset.`);

  const { train } = await import("../../core/train.ts");
  const stop = stopOnInterrupt(context);
  try {
    const { run, summary } = await train(config, {
      runsDirectory: runs,
      ...(resume === undefined ? {} : { resume }),
      force: flags.force ?? false,
      dropState: flags.dropState?.split(",") ?? [],
      signal: stop.signal,
      log: output,
    });
    const { outcome, reason, clock, seconds, metrics, baselines } = summary;
    if (outcome === "interrupted") context.setExitCode(130);
    output.emit({ run, outcome, steps: clock.steps, stopReason: reason, seconds, metrics, baselines }, () => {
      const place = relative(context.directory, run) || run;
      const next = outcome === "interrupted" ? `\nGo on with: mf train --resume ${place}` : "";
      const measured = Object.keys(metrics).length === 0 ? "" : `${results(metrics, baselines)}\n\n`;
      return `${measured}Step ${clock.steps}: ${reason}. Saved in ${place}${next}`;
    });
  } finally {
    stop.dispose();
  }
}

/** Without a preset, a run is resumed with the configuration it was started with. */
async function savedConfig(asked: Asked, which: string | undefined, runs: string) {
  if (which === undefined || asked.preset !== undefined) return undefined;
  const isPath = /[/\\]/.test(which);
  if (!isPath && asked.file !== undefined) return undefined;
  const { latestRun, runFolder, runOf } = await import("../../core/run-folder.ts");
  const folder = isPath
    ? await runOf(which)
    : asked.name === undefined
      ? await latestRun(runs, "")
      : runFolder(join(runs, asked.name));
  const { readBytes } = await import("../../core/data/bytes.ts");
  const path = join(folder.path, "config.json");
  const text = Buffer.from(await readBytes(path, "The run's configuration")).toString("utf8");
  try {
    return { saved: JSON.parse(text), resume: isPath ? which : join(folder.checkpoints, which) };
  } catch (cause) {
    throw errors.MF_FILE_FORMAT({ path, problem: "it is not JSON" }, { cause });
  }
}

/** The first Ctrl-C asks the loop to save and stop, the second leaves at once. */
function stopOnInterrupt({ output }: Context): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    output.info("\nStopping: a checkpoint is being saved. Press Ctrl-C again to leave at once.");
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, onSignal);
    },
  };
}
