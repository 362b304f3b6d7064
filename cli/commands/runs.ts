import { errors } from "../../core/errors.ts";
import { addCommand, type Context, type Declare } from "../command.ts";
import { table } from "../output.ts";
import type { NamedRun } from "../runs.ts";
import { runsDirectory } from "../settings.ts";
import { declareRunsDiff } from "./runs-diff.ts";

interface RunsFlags {
  readonly runs?: string;
  readonly preset?: string;
  readonly metric?: string;
  readonly sort?: string;
  readonly descending?: boolean;
}

/** Columns that a list can be sorted by besides its metrics. */
const columns = ["run", "preset", "state", "steps", "seconds"] as const;
/** Metrics that are shown when none are asked for. */
const usualMetrics = 4;

export const declareRuns: Declare = (program, context) => {
  const runs = addCommand(program, "runs", "list the runs and compare them", [
    "mf runs",
    "mf runs --preset panda-meanflow --sort position_error_mm",
    "mf runs --metric position_error_mm,success --sort success --descending",
    "mf runs diff panda-meanflow-001 panda-meanflow-002",
  ])
    .option("--runs <folder>", "where runs are kept; default: MF_RUNS_DIR or runs")
    .option("--preset <name>", "only runs of this preset")
    .option("--metric <names>", "the metrics to show (a,b); default: four, of every preset in turn")
    .option("--sort <column>", `${columns.join(", ")}, or a metric; runs without a value come last`)
    .option("--descending", "the largest first")
    .enablePositionalOptions()
    .action((flags: RunsFlags) => runsCommand(flags, context));
  declareRunsDiff(runs, context);
};

async function runsCommand(flags: RunsFlags, context: Context): Promise<void> {
  const { metricNamed, metricsOf, readRuns, shortName } = await import("../runs.ts");
  const folder = runsDirectory(context, flags.runs);
  const all = await readRuns(folder);
  const chosen = sorted(ofPreset(all, flags.preset), flags, (name) => metricNamed(name, all));
  const metrics =
    flags.metric === undefined
      ? inTurn(byPreset(chosen).map((runs) => metricsOf(runs).filter((name) => name.startsWith("val/")))).slice(
          0,
          usualMetrics,
        )
      : flags.metric.split(",").map((name) => metricNamed(name.trim(), all));
  context.output.emit({ folder, runs: chosen.map(toDocument) }, () => {
    if (chosen.length === 0) return `No runs in ${folder}.`;
    return table(
      ["run", "preset", "state", "steps", ...metrics.map(shortName)],
      chosen.map(({ run, status: { preset, state, steps, metrics: values } }) => [
        run,
        preset,
        state,
        steps,
        ...metrics.map((name) => values[name] ?? null),
      ]),
    );
  });
}

const byPreset = (runs: readonly NamedRun[]): NamedRun[][] =>
  [...new Set(runs.map(({ status }) => status.preset))].map((preset) =>
    runs.filter(({ status }) => status.preset === preset),
  );

/** The first of every list, then the second of every list, and so on; each once. */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const all = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
  return [...new Set(all)];
}

/** Throws MF_UNKNOWN for a preset that no run is of. */
function ofPreset(runs: readonly NamedRun[], preset: string | undefined): readonly NamedRun[] {
  const known = [...new Set(runs.map(({ status }) => status.preset).filter((name) => name !== null))];
  if (preset === undefined || known.length === 0) return runs;
  if (!known.includes(preset)) throw errors.MF_UNKNOWN({ kind: "preset of a run", name: preset, known });
  return runs.filter(({ status }) => status.preset === preset);
}

function sorted(
  runs: readonly NamedRun[],
  { sort, descending = false }: RunsFlags,
  metricNamed: (name: string) => string,
): readonly NamedRun[] {
  if (sort === undefined) return descending ? runs.toReversed() : runs;
  if (runs.length === 0) return runs;
  const keyOf = keyFor(sort, metricNamed);
  const [known, unknown] = [true, false].map((has) => runs.filter((run) => (keyOf(run) !== null) === has));
  const direction = descending ? -1 : 1;
  return [...known!.sort((a, b) => direction * compare(keyOf(a)!, keyOf(b)!)), ...unknown!];
}

function keyFor(sort: string, metricNamed: (name: string) => string): (run: NamedRun) => string | number | null {
  if (sort === "run") return ({ run }) => run;
  const column = columns.find((name) => name === sort);
  if (column !== undefined && column !== "run") return ({ status }) => status[column];
  const metric = metricNamed(sort);
  return ({ status }) => status.metrics[metric] ?? null;
}

const compare = (a: string | number, b: string | number): number =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

/** A run in the document of `--json`. */
const toDocument = ({ run, status }: NamedRun) => {
  const { preset, state, steps, reason, seconds, metrics } = status;
  const outcome = state === "training" || state === "killed" ? null : state;
  return { run, preset, state, steps, outcome, reason, seconds, metrics };
};
