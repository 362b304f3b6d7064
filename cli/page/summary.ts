import { formatDuration } from "../../core/metrics/rate.ts";
import { latest } from "../../core/report/curves.ts";
import type { RunStatus } from "../../core/report/record.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, type Part, redrawn } from "./dom.ts";
import { grouped, number, words } from "./format.ts";
import { createPace, type Pace } from "./pace.ts";
import { runColorName } from "./theme.ts";

const STATES: Readonly<Record<RunStatus["state"], string>> = {
  training: "training",
  completed: "completed",
  stopped: "stopped",
  interrupted: "interrupted",
  failed: "failed",
  killed: "ended without a word",
};

/** The runs at a glance: how each stands, how far it is, what it reached. */
export function summary(): Part {
  const paces: Pace[] = [];
  return redrawn(
    el("section", { id: "summary", "aria-label": "Summary" }),
    (runs) => runs.map(({ name, status, curves }) => [name, { ...status, config: null }, stepOf(curves)]),
    (runs) =>
      runs.map((run, i) => {
        paces[i] ??= createPace(() => performance.now());
        return card(run, i, run.status.state === "training" ? paces[i].at(stepOf(run.curves)) : null);
      }),
  );
}

function card(run: PageRun, index: number, stepsPerSecond: number | null): HTMLElement {
  const { name, status, curves } = run;
  const step = Math.max(status.steps, stepOf(curves));
  return el(
    "article",
    { class: "card run", style: `--run: ${runColorName(index)}` },
    el(
      "header",
      {},
      el("h3", {}, el("span", { class: "dot" }), name),
      el("span", { class: `chip ${status.state}` }, STATES[status.state]),
      status.preset === null ? null : el("span", { class: "preset" }, status.preset),
    ),
    progress(status, step),
    el("dl", { class: "facts" }, ...facts(run, step, stepsPerSecond).map(fact)),
    status.reason === null || status.state === "completed" ? null : el("p", { class: "reason" }, status.reason),
  );
}

function progress({ state, plannedSteps }: RunStatus, step: number): HTMLElement | null {
  if (state !== "training" || plannedSteps === null) return null;
  const label = `${grouped(step)} of ${grouped(plannedSteps)} steps`;
  return el("progress", { max: plannedSteps, value: Math.min(step, plannedSteps), "aria-label": label }, label);
}

type Fact = readonly [name: string, value: string];

function facts({ status, curves }: PageRun, step: number, stepsPerSecond: number | null): Fact[] {
  const { plannedSteps, seconds, parameters, best } = status;
  const planned = plannedSteps === null || plannedSteps === step ? "" : ` of ${grouped(plannedSteps)}`;
  const loss = latest(curves)["train/loss"];
  return [
    ["steps", `${grouped(step)}${planned}`],
    ...(seconds === null ? [] : [["time", formatDuration(seconds)] as const]),
    ...(stepsPerSecond === null ? [] : [["steps a second", number(stepsPerSecond)] as const]),
    ...(stepsPerSecond === null || plannedSteps === null
      ? []
      : [["time left", formatDuration((plannedSteps - step) / stepsPerSecond)] as const]),
    ...(parameters === null ? [] : [["parameters", number(parameters)] as const]),
    ...(loss === undefined ? [] : [["loss", number(loss)] as const]),
    ...(best === null ? [] : [[`best ${words(best.metric)}`, number(best.value)] as const]),
  ];
}

const fact = ([name, value]: Fact): HTMLElement => el("div", {}, el("dt", {}, name), el("dd", {}, value));

const stepOf = (curves: PageRun["curves"]): number =>
  Object.values(curves).reduce((most, { steps }) => Math.max(most, steps.at(-1) ?? 0), 0);
