import type { Interval } from "../core/when.ts";
import { consoleProgress } from "../plugins/loggers/console/index.ts";
import { jsonl } from "../plugins/loggers/jsonl/index.ts";
import { checkpointing } from "../plugins/training/checkpointing/index.ts";
import { eta } from "../plugins/training/eta/index.ts";
import { schedule } from "../plugins/training/schedule/index.ts";
import { stats } from "../plugins/training/stats/index.ts";

/**
 * What the particle presets share. Success in closed loop, not loss, decides what is best. `decay` is the learning rate's
 * factor for a hundred steps; 0.99 is the published one.
 */
export const imitation = ({ every, decay = 0.99 }: { readonly every: Interval; readonly decay?: number }) => [
  schedule({ kind: "exponential", decay, every: 100 }),
  checkpointing({ every, keepLast: 3, best: { metric: "val/success", mode: "max" } }),
  stats({ every: 500 }),
  eta(),
  consoleProgress(),
  jsonl(),
];
