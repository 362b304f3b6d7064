import type { Command } from "commander";
import { addCommand, type Context } from "../command.ts";
import { oneLine, table } from "../output.ts";
import type { NamedRun } from "../runs.ts";
import { runsDirectory } from "../settings.ts";

/** A result of both runs; `change` is relative to the first, null where it cannot be. */
interface Compared {
  readonly before: number | null;
  readonly after: number | null;
  readonly change: number | null;
}

export function declareRunsDiff(runs: Command, context: Context): void {
  const command = addCommand(runs, "diff", "what differs between two runs, in configuration and results", [
    "mf runs diff panda-meanflow-001 panda-meanflow-002",
    "mf runs diff runs/first /elsewhere/second --json",
  ])
    .argument("<first>", "a run's name or folder")
    .argument("<second>", "the run it is compared with")
    .option("--runs <folder>", "where runs are kept; default: MF_RUNS_DIR or runs")
    .action((first: string, second: string) =>
      diffCommand(first, second, command.optsWithGlobals<{ runs?: string }>().runs, context),
    );
}

async function diffCommand(first: string, second: string, runs: string | undefined, context: Context): Promise<void> {
  const [{ changesBetween }, { findRun, shortName }] = await Promise.all([
    import("../../core/config/changes.ts"),
    import("../runs.ts"),
  ]);
  const folder = runsDirectory(context, runs);
  const [a, b] = [await findRun(context.directory, folder, first), await findRun(context.directory, folder, second)];
  const settings = changesBetween(a.status.config, b.status.config);
  const metrics = compared(a, b);
  context.output.emit({ runs: [a, b].map(about), settings, metrics }, () => {
    const names = [a.run, b.run];
    const changed = Object.entries(settings).map(([key, { before, after }]) => [key, oneLine(before), oneLine(after)]);
    return [
      changed.length === 0 ? "The configurations are the same." : table(["setting", ...names], changed),
      "",
      table(
        ["", ...names, "change"],
        [
          ["state", a.status.state, b.status.state, null],
          ...Object.entries(metrics).map(([name, { before, after, change }]) => [
            shortName(name),
            before,
            after,
            change === null ? null : percent(change),
          ]),
        ],
      ),
    ].join("\n");
  });
}

/** Steps, seconds and every metric that one of the two has. */
function compared(a: NamedRun, b: NamedRun): Record<string, Compared> {
  const [was, is] = [numbersOf(a), numbersOf(b)];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return Object.fromEntries(names.map((name) => [name, compare(was[name] ?? null, is[name] ?? null)]));
}

const numbersOf = ({ status: { steps, seconds, metrics } }: NamedRun): Readonly<Record<string, number | null>> => ({
  steps,
  seconds,
  ...metrics,
});

const compare = (before: number | null, after: number | null): Compared => ({
  before,
  after,
  change: before === null || after === null ? null : relativeChange(before, after),
});

const relativeChange = (before: number, after: number): number | null => {
  if (before === after) return 0;
  return before === 0 ? null : (after - before) / Math.abs(before);
};

const percent = (change: number): string => `${change > 0 ? "+" : ""}${(100 * change).toFixed(1)} %`;

const about = ({ run, status: { preset, state, reason, environment } }: NamedRun) => ({
  run,
  preset,
  state,
  reason,
  environment,
});
