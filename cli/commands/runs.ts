import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { addCommand, type Declare } from "../command.ts";
import { table } from "../output.ts";
import { runsDirectory } from "../settings.ts";

interface RunRow {
  readonly run: string;
  readonly preset: string | null;
  readonly steps: number | null;
  /** Null while it trains, or when it was killed. */
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly metrics: Readonly<Record<string, number>>;
}

export const declareRuns: Declare = (program, context) => {
  addCommand(program, "runs", "list the runs", ["mf runs", "mf runs --runs experiments"])
    .option("--runs <folder>", "where runs are kept; default: MF_RUNS_DIR or runs")
    .action(async (flags: { runs?: string }) => {
      const folder = runsDirectory(context, flags.runs);
      const { listCheckpoints } = await import("../../core/checkpoint/store.ts");
      const { runFolder } = await import("../../core/run-folder.ts");
      const names = await readdir(folder).catch(() => [] as string[]);
      const runs: RunRow[] = [];
      for (const name of names.sort()) {
        const run = runFolder(join(folder, name));
        const config = await readObject(join(run.path, "config.json"));
        const summary = await readObject(join(run.path, "summary.json"));
        const [newest] = await listCheckpoints(run.checkpoints);
        if (config === null && newest === undefined) continue;
        runs.push({
          run: name,
          preset: (config?.["preset"] ?? newest?.manifest?.preset ?? null) as string | null,
          steps: newest?.manifest?.clock.steps ?? null,
          outcome: (summary?.["outcome"] ?? null) as string | null,
          reason: (summary?.["reason"] ?? null) as string | null,
          metrics: (summary?.["metrics"] ?? newest?.manifest?.metrics ?? {}) as Record<string, number>,
        });
      }
      context.output.emit({ folder, runs }, () => {
        if (runs.length === 0) return `No runs in ${folder}.`;
        const names = [
          ...new Set(runs.flatMap((r) => Object.keys(r.metrics).filter((n) => n.startsWith("val/")))),
        ].slice(0, 4);
        return table(
          ["run", "preset", "steps", "outcome", ...names.map((n) => n.slice("val/".length))],
          runs.map((r) => [r.run, r.preset, r.steps, r.outcome, ...names.map((n) => r.metrics[n] ?? null)]),
        );
      });
    });
};

/** Null for a file that is not there or, since its writer was killed or another program's, holds no object. */
async function readObject(path: string): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}
