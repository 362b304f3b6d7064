import { addCommand, type Declare } from "../command.ts";
import { type OpenFlags, open } from "../opened.ts";
import { results } from "../output.ts";

export const declareEval: Declare = (program, context) => {
  addCommand(program, "eval", "measure a trained model, and the baselines beside it", [
    "mf eval runs/panda-meanflow-001",
    "mf eval panda-meanflow-001 --checkpoint last --json",
  ])
    .argument("<run>", "a run or a checkpoint")
    .option("--checkpoint <which>", "of a run: best, last, or a name; default: best, else last")
    .option("--backend <name>", "auto, tensorflow, wasm or cpu; default: as in the run")
    .action(async (place: string, flags: OpenFlags) => {
      const run = await open(place, flags, context);
      try {
        const { metrics, baselines } = await run.evaluate();
        const { steps } = run.manifest.clock;
        context.output.emit({ checkpoint: run.checkpoint, steps, metrics, baselines }, () =>
          [results(metrics, baselines), "", `${run.checkpoint}, ${steps} steps`].join("\n"),
        );
      } finally {
        await run.close();
      }
    });
};
