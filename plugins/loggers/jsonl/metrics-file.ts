import { join } from "node:path";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { openLines } from "./lines-file.ts";

interface Row {
  readonly step: number;
  readonly epoch: number;
  readonly [metric: string]: number | null;
}

/**
 * Consecutive points of the same step and split in one row; a number JSON cannot say (NaN, infinities) becomes null.
 * Splits stay apart, so that rows do not depend on how fast a validation follows its step.
 */
export function toRows(points: readonly MetricPoint[]): Row[] {
  const rows: Record<string, number | null>[] = [];
  let last: MetricPoint | undefined;
  for (const point of points) {
    const { name, value, step, epoch, split } = point;
    if (last?.step !== step || last.split !== split) rows.push({ step, epoch });
    last = point;
    const row = rows.at(-1)!;
    row[name] = Number.isFinite(value) ? value : null;
  }
  return rows as unknown as Row[];
}

/** The metrics file of a run folder. */
export function openMetricsFile(directory: string) {
  const lines = openLines<Row>(join(directory, "metrics.jsonl"));
  return {
    append: (points: readonly MetricPoint[]): Promise<void> => lines.append(toRows(points)),
    /** Drops rows of later steps, and half a line at the end. */
    truncateAfter: async (steps: number): Promise<void> => void (await lines.truncateAfter(steps)),
  };
}
