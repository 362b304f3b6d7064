import type { Media } from "../../core/metrics/media.ts";
import type { Curves } from "../../core/report/curves.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import type { RunStatus } from "../../core/report/record.ts";

/** What the report's page shows; it stands in the page as JSON. */
export interface PageData {
  /** True for the page of `mf watch`, which asks its server for the run. */
  readonly live: boolean;
  /** ISO 8601. */
  readonly written: string;
  /** Of MotionForge. */
  readonly version: string;
  readonly runs: readonly PageRun[];
}

export interface PageRun {
  readonly name: string;
  readonly status: RunStatus;
  readonly curves: Curves;
  readonly media: readonly Media[];
  readonly sections: readonly BuiltSection[];
}

/** What `mf watch` sends: a run's news since the event before. */
export interface LiveUpdate {
  readonly name: string;
  readonly status: RunStatus;
  readonly curves: Curves;
  readonly media: readonly Media[];
  /** True when `curves` and `media` are all there are, and what was sent before is void. */
  readonly restarted: boolean;
}
