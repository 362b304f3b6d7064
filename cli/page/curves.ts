import { type Curve, stagesOf } from "../../core/report/curves.ts";
import type { PageRun } from "../report/page-data.ts";
import { type Chart, type ChartCurve, type ChartView, createChart, type Line } from "./chart.ts";
import { el, type Part, section } from "./dom.ts";
import { number, words } from "./format.ts";
import { histograms } from "./histograms.ts";
import { onThemeChange, runColorName } from "./theme.ts";

const LEARNING_RATE = "train/lr";
const GRADIENTS = ["train/grad_norm", "train/param_norm", "train/update_ratio"];
const TITLES: Readonly<Record<string, string>> = { train: "Training", val: "Validation", system: "System" };

/** Curves of every metric, by its prefix, and the statistics of gradients; one set of controls for all. */
export function curves(): Part {
  let runs: readonly PageRun[] = [];
  let view: ChartView = { smoothing: 0, log: false };
  const charts = new Map<string, Chart>();
  const body = el("div");
  const statistics = histograms();
  const gradients = el("div", { class: "charts" });
  const gradientSection = section("gradients", "Gradients", gradients, statistics.element);
  const constants = el("p", { class: "hint" });

  const redraw = (): void => {
    for (const [metric, chart] of charts) chart.draw(curvesOf(runs, metric), baselinesOf(runs, metric), view);
  };
  const controls = toolbar((next) => {
    view = { ...view, ...next };
    redraw();
  });
  onThemeChange(() => {
    for (const chart of charts.values()) chart.restyle();
  });

  const place = (metric: string, isGradient: boolean): void => {
    const chart = createChart(words(metric), metric);
    charts.set(metric, chart);
    if (isGradient) gradients.append(chart.element);
    else groupOf(body, metric).append(chart.element);
  };
  return {
    element: el("div", {}, section("curves", "Curves", controls, legend(), body, constants), gradientSection),
    update(given) {
      runs = given;
      const metrics = [...new Set(runs.flatMap(({ curves }) => Object.keys(curves)))].sort(byImportance);
      const still = metrics.filter((metric) => !charts.has(metric) && isConstant(runs, metric));
      for (const metric of metrics) {
        if (!charts.has(metric) && !still.includes(metric)) place(metric, GRADIENTS.includes(metric));
      }
      constants.replaceChildren(constantsOf(runs, still));
      statistics.update(runs);
      gradientSection.hidden = gradients.children.length === 0 && statistics.element.hidden;
      redraw();
    },
  };
}

const isConstant = (runs: readonly PageRun[], metric: string): boolean =>
  metric !== "train/loss" &&
  metric.startsWith("train/") &&
  new Set(runs.flatMap(({ curves }) => curves[metric]?.values ?? [])).size === 1;

function constantsOf(runs: readonly PageRun[], metrics: readonly string[]): string {
  const said = metrics.map((metric) => {
    const value = runs.find(({ curves }) => metric in curves)!.curves[metric]!.values[0];
    return `${words(metric)} ${number(value)}`;
  });
  return said.length === 0 ? "" : `With one value only: ${said.join(", ")}.`;
}

/** Validation, then losses, then the rest as the run recorded them. */
function byImportance(a: string, b: string): number {
  const rank = (metric: string): number =>
    metric.startsWith("val/") ? 0 : metric === "train/loss" ? 1 : metric.startsWith("train/loss/") ? 2 : 3;
  return rank(a) - rank(b);
}

/** The charts of the metrics that begin alike. */
function groupOf(body: HTMLElement, metric: string): HTMLElement {
  const prefix = metric.split("/")[0]!;
  const id = `group-${prefix}`;
  const found = body.querySelector<HTMLElement>(`#${CSS.escape(id)}`);
  if (found !== null) return found;
  const group = el("div", { id, class: "charts" });
  body.append(el("h3", {}, TITLES[prefix] ?? prefix), group);
  return group;
}

function curvesOf(runs: readonly PageRun[], metric: string): ChartCurve[] {
  return runs.flatMap(({ name, curves, status }, index) => {
    const curve = curves[metric];
    if (curve === undefined) return [];
    const step = /(\d+)$/.exec(status.best?.checkpoint ?? "")?.[1];
    const best = step !== undefined && metric === status.best?.metric ? Number(step) : null;
    const learningRate: Curve | null = metric.startsWith("train/loss") ? (curves[LEARNING_RATE] ?? null) : null;
    return [{ run: name, index, curve, learningRate, stages: stagesOf(curves), best }];
  });
}

/** Of the first run that has some: methods on the same data. */
function baselinesOf(runs: readonly PageRun[], metric: string): Line[] {
  const measured = runs.find(({ status }) => Object.values(status.baselines).some((values) => metric in values));
  return Object.entries(measured?.status.baselines ?? {}).flatMap(([name, values]) => {
    const value = values[metric] ?? null;
    return value === null ? [] : [{ name: name.replaceAll("_", " "), value }];
  });
}

function toolbar(change: (view: Partial<ChartView>) => void): HTMLElement {
  const shown = el("output", { for: "smoothing" }, "0");
  const slider = el("input", {
    id: "smoothing",
    type: "range",
    min: 0,
    max: 0.99,
    step: 0.01,
    value: 0,
    input: () => {
      shown.textContent = slider.value;
      change({ smoothing: Number(slider.value) });
    },
  });
  const log = el("input", { id: "log", type: "checkbox", change: () => change({ log: log.checked }) });
  return el(
    "form",
    { class: "toolbar", submit: (event) => event.preventDefault() },
    el("label", { for: "smoothing" }, "Smoothing"),
    slider,
    shown,
    el("label", { class: "switch" }, log, "Logarithmic"),
    el("span", { class: "hint" }, "Drag to zoom, double-click for the whole."),
  );
}

/** What stands behind the curves. */
const legend = (): HTMLElement =>
  el(
    "ul",
    { class: "legend" },
    el("li", {}, el("span", { class: "swatch rate" }), "learning rate"),
    el("li", {}, el("span", { class: "swatch dashed" }), "baseline"),
    el("li", {}, el("span", { class: "swatch dotted", style: `--run: ${runColorName(0)}` }), "best checkpoint"),
  );
