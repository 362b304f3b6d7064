import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { errors } from "../core/errors.ts";
import { type RunStatus, runStatus } from "../core/report/record.ts";
import { runFolder } from "../core/run-folder.ts";

/** A run by its folder's name. */
export interface NamedRun {
  readonly run: string;
  readonly status: RunStatus;
}

/** The runs of a folder, by name. A folder that is not there has none. */
export async function readRuns(folder: string): Promise<NamedRun[]> {
  const runs: NamedRun[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const status = await runStatus(runFolder(join(folder, name)));
    if (status !== null) runs.push({ run: name, status });
  }
  return runs.sort((a, b) => a.run.localeCompare(b.run, "en", { numeric: true }));
}

/** The run whose folder is `place`, or is called that below `folder`. Throws MF_FILE_MISSING. */
export async function findRun(directory: string, folder: string, place: string): Promise<NamedRun> {
  for (const path of [resolve(directory, place), join(folder, place)]) {
    const status = await runStatus(runFolder(path));
    if (status !== null) return { run: basename(path), status };
  }
  throw errors.MF_FILE_MISSING({ what: "Run", path: place });
}

/** The metric that is meant by a name, with or without its `val/`. Throws MF_UNKNOWN. */
export function metricNamed(name: string, runs: readonly NamedRun[]): string {
  const known = metricsOf(runs);
  const found = [name, `val/${name}`].find((full) => known.includes(full));
  if (found === undefined) {
    const spelt = name.includes("/") ? known : known.map(shortName);
    throw errors.MF_UNKNOWN({ kind: "metric", name, known: spelt });
  }
  return found;
}

export const metricsOf = (runs: readonly NamedRun[]): string[] => [
  ...new Set(runs.flatMap(({ status }) => Object.keys(status.metrics))),
];

/** As people read it: metrics of the validation without `val/`. */
export const shortName = (metric: string): string => metric.replace(/^val\//, "");
