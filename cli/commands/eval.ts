import { join, relative } from "node:path";
import type { Command } from "commander";
import type { OpenedRun } from "../../core/train.ts";
import { addCommand, type Context, type Declare, withModel } from "../command.ts";
import { changedSettings, type OpenFlags, open } from "../opened.ts";
import { results } from "../output.ts";

interface EvalFlags extends OpenFlags {
  readonly render?: string | true;
}

export const declareEval: Declare = (program, context) => {
  const command = addCommand(program, "eval", "measure a trained model, and the baselines beside it", [
    "mf eval runs/panda-meanflow-001",
    "mf eval panda-meanflow-001 --checkpoint last --task.validation-poses 10000 --task.polish 1 --json",
    "mf eval particle-ebm-001 --task.evaluation.episodes 200 --task.evaluation.seed 1 --task.inference.samples 512",
    "mf eval particle-ebm-001 --render",
  ]);
  withModel(command, "run")
    .option("--render [folder]", "write pictures of what was learned; default: pictures/ in the run's folder")
    .action((words: string[], flags: EvalFlags) => evalCommand(words, flags, command, context));
};

async function evalCommand(
  words: readonly string[],
  flags: EvalFlags,
  command: Command,
  context: Context,
): Promise<void> {
  const { run, changes } = await open(words, flags, command, context);
  try {
    const pictures = flags.render === undefined ? [] : await writePictures(run, flags.render, context);
    const { metrics, baselines } = await run.evaluate();
    const { checkpoint, manifest } = run;
    const { steps } = manifest.clock;
    context.output.emit({ checkpoint, steps, metrics, baselines, changes, pictures }, () =>
      [
        results(metrics, baselines),
        "",
        `${checkpoint}, ${steps} steps`,
        ...changedSettings(changes),
        ...(pictures.length === 0 ? [] : ["", ...pictures]),
      ].join("\n"),
    );
  } finally {
    await run.close();
  }
}

/** Writes an evaluator's pictures; returns their paths. */
async function writePictures(run: OpenedRun, given: string | true, { directory }: Context): Promise<string[]> {
  const { writeAtomically } = await import("../../core/data/bytes.ts");
  const folder = given === true ? join(run.folder, "pictures") : given;
  const files: string[] = [];
  for (const [name, svg] of Object.entries(await run.render())) {
    const path = join(folder, name);
    await writeAtomically(path, svg);
    files.push(relative(directory, path) || path);
  }
  return files;
}
