import { latest } from "../../core/report/curves.ts";
import type { Values } from "../../core/report/record.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, type Part, redrawn, section } from "./dom.ts";
import { number, words } from "./format.ts";
import { runColorName } from "./theme.ts";

interface Method {
  readonly name: string;
  /** Of a run; null for a baseline. */
  readonly color: string | null;
  readonly values: Values;
}

/** The last validation of each run beside the baselines. */
export const results = (): Part =>
  redrawn(
    section("results", "Results"),
    (runs) => methodsOf(runs),
    (runs) => {
      const methods = methodsOf(runs);
      const metrics = [...new Set(methods.flatMap(({ values }) => Object.keys(values)))].filter((name) =>
        name.startsWith("val/"),
      );
      return metrics.length === 0 ? [] : [table(methods, metrics)];
    },
  );

function methodsOf(runs: readonly PageRun[]): Method[] {
  const trained = runs.map(({ name, status, curves }, i) => ({
    name: runs.length === 1 ? "model" : name,
    color: runColorName(i),
    values: { ...status.metrics, ...validations(latest(curves)) },
  }));
  const baselines = new Map<string, Values>();
  for (const { status } of runs) {
    for (const [name, values] of Object.entries(status.baselines)) {
      // Runs of different tasks may have a method of the same name.
      baselines.set(name, { ...values, ...baselines.get(name) });
    }
  }
  return [...trained, ...[...baselines].map(([name, values]) => ({ name, color: null, values }))];
}

const validations = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith("val/")));

function table(methods: readonly Method[], metrics: readonly string[]): HTMLElement {
  const head = methods.map(({ name, color }) =>
    el(
      "th",
      { scope: "col", class: color === null ? "baseline" : "model" },
      color === null ? null : el("span", { class: "dot", style: `--run: ${color}` }),
      name.replaceAll("_", " "),
    ),
  );
  const rows = metrics.map((metric) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, words(metric)),
      ...methods.map(({ values, color }) =>
        el("td", { class: color === null ? "baseline" : "model" }, number(values[metric])),
      ),
    ),
  );
  return el(
    "div",
    { class: "card scroll" },
    el(
      "table",
      {},
      el("caption", {}, "The last validation; methods without learning on the same data are beside it."),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "metric"), ...head)),
      el("tbody", {}, ...rows),
    ),
  );
}
