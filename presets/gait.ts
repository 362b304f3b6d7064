import type { Interval } from "../core/when.ts";
import { consoleProgress } from "../plugins/loggers/console/index.ts";
import { jsonl } from "../plugins/loggers/jsonl/index.ts";
import { checkpointing } from "../plugins/training/checkpointing/index.ts";
import { eta } from "../plugins/training/eta/index.ts";
import { stats } from "../plugins/training/stats/index.ts";

/** What the gait presets share; the loss on held-out motions decides what is best. */
export const gaitMonitoring = (every: Interval) => [
  checkpointing({ every, keepLast: 3, best: { metric: "val/weighted_loss", mode: "min" } }),
  stats({ every: 500 }),
  eta(),
  consoleProgress(),
  jsonl(),
];
