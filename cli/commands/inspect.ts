import { statSync } from "node:fs";
import { summarizeFile, summaryTable } from "../array-summary.ts";
import { addCommand, type Declare } from "../command.ts";
import { table } from "../output.ts";
import { locateRun } from "../settings.ts";

export const declareInspect: Declare = (program, context) => {
  addCommand(program, "inspect", "print what a run, a checkpoint or a data file holds", [
    "mf inspect runs/panda-meanflow-001",
    "mf inspect panda-meanflow-001 --checkpoint last --json",
    "mf inspect panda.npz",
  ])
    .argument("<place>", "a run, a checkpoint, or a data file")
    .option("--checkpoint <which>", "of a run: best, last, or a name; default: best, else last")
    .action(async (place: string, flags: { checkpoint?: string }) => {
      const path = locateRun(context, place);
      if (statSync(path).isFile()) {
        const arrays = await summarizeFile(path);
        context.output.emit({ file: place, arrays }, () => summaryTable(arrays));
        return;
      }
      const [{ resolveCheckpoint }, { readManifest }, { readBest }, { runOf }] = await Promise.all([
        import("../../core/checkpoint/resolve.ts"),
        import("../../core/checkpoint/store.ts"),
        import("../../core/checkpoint/best.ts"),
        import("../../core/run-folder.ts"),
      ]);
      const run = await runOf(path);
      const isRun = run.path === path || run.checkpoints === path;
      const usual = isRun && (await readBest(run.checkpoints)) !== null ? "best" : "last";
      const checkpoint = await resolveCheckpoint(isRun ? run.path : path, flags.checkpoint ?? usual);
      const { tensors: stored, ...manifest } = await readManifest(checkpoint);
      const { entries: tensors, ...file } = stored;
      context.output.emit({ checkpoint, ...manifest, tensors, file }, () => {
        const { preset, clock, metrics, stopReason, weightsSha256, created } = manifest;
        const about: [string, string | number][] = [
          ["checkpoint", checkpoint],
          ["preset", preset ?? "–"],
          ["written", created],
          ["steps", clock.steps],
          ["samples", clock.samples],
          ["epochs", clock.epochs],
          ["ended", stopReason ?? "no"],
          ["plugins", manifest.plugins.map((p) => p.name).join(", ")],
          ["weights (sha256)", weightsSha256],
        ];
        const params = Object.entries(tensors).filter(([name]) => name.startsWith("params/"));
        return [
          ...about.map(([label, value]) => `${label.padEnd(18)}${value}`),
          "",
          table(["metric", "value"], Object.entries(metrics)),
          "",
          table(
            ["parameter", "dtype", "shape"],
            params.map(([name, t]) => [name, t.dtype, `[${t.shape.join(", ")}]`]),
          ),
        ].join("\n");
      });
    });
};
