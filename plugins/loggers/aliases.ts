import { z } from "zod";
import type { MetricPoint } from "../../core/metrics/stream.ts";

/** For loggers: metrics that are also written under another name, by that name. */
export const aliasesSchema = z
  .record(z.string(), z.string())
  .default({ "val/val_loss": "val/loss" })
  .describe("further names of metrics: new name → metric");

/** The points, each followed by its copies under the names that stand for it. */
export const withAliases = (
  points: readonly MetricPoint[],
  aliases: Readonly<Record<string, string>>,
): readonly MetricPoint[] =>
  points.flatMap((point) => [
    point,
    ...Object.entries(aliases)
      .filter(([, metric]) => metric === point.name)
      .map(([alias]) => ({ ...point, name: alias })),
  ]);
