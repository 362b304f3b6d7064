import uPlot from "uplot";
import { type Curve, type Stage, smoothed } from "../../core/report/curves.ts";
import { logTicks, tickLabel } from "../../core/report/ticks.ts";
import { drawBehindCurves, drawBehindGrid } from "./behind.ts";
import { el } from "./dom.ts";
import { grouped, number } from "./format.ts";
import { color, runColor, runColorName } from "./theme.ts";

/** How all charts are drawn. */
export interface ChartView {
  /** Weight of the moving average, 0 for none. */
  readonly smoothing: number;
  readonly log: boolean;
}

/** A run's curve, and what is drawn behind it. */
export interface ChartCurve {
  readonly run: string;
  /** The run's place in the list, for its colour. */
  readonly index: number;
  readonly curve: Curve;
  readonly learningRate: Curve | null;
  readonly stages: readonly Stage[];
  /** Steps of its best checkpoint. */
  readonly best: number | null;
}

export interface Line {
  readonly name: string;
  readonly value: number;
}

const HEIGHT = 210;
const sync = uPlot.sync("curves");

export interface Chart {
  readonly element: HTMLElement;
  draw(curves: readonly ChartCurve[], baselines: readonly Line[], view: ChartView): void;
  restyle(): void;
}

/** A metric over steps, a colour a run; moving over one chart moves the cursors of all. */
export function createChart(title: string, metric: string): Chart {
  const readout = el("span", { class: "readout" });
  const caption = el("figcaption", {}, el("span", { title: metric }, title), readout);
  const plotted = el("div", { class: "plot", role: "img" });
  const element = el("figure", { class: "card chart" }, caption, plotted);
  let plot: uPlot | null = null;
  let shown: readonly ChartCurve[] = [];
  let lines: readonly Line[] = [];
  let isLog: boolean | null = null;
  /** The step under the cursor. */
  let hovered: number | null = null;

  const read = (at: number | null): void => {
    hovered = at;
    const entries = shown.map(({ run, index, curve }) => {
      const i = at === null ? curve.steps.length - 1 : nearest(curve.steps, at);
      const value = curve.values[i] ?? null;
      const label = `${number(value)} at step ${grouped(curve.steps[i] ?? 0)}`;
      return el("span", { title: `${run}: ${label}`, style: `--run: ${runColorName(index)}` }, number(value));
    });
    readout.replaceChildren(...entries);
  };
  const open = (log: boolean, data: uPlot.AlignedData): uPlot => {
    const options = optionsOf(plotted.clientWidth || 320, log, shown, () => [shown, lines], read);
    return new uPlot(options, data, plotted);
  };
  new ResizeObserver(() => plot?.setSize({ width: plotted.clientWidth, height: HEIGHT })).observe(plotted);

  return {
    element,
    draw(curves, baselines, view) {
      const sameSeries = shown.length === curves.length && isLog === view.log;
      [shown, lines, isLog] = [curves, baselines, view.log];
      const data = dataOf(curves, view);
      plotted.setAttribute("aria-label", described(title, curves));
      if (plot !== null && sameSeries) {
        const zoomed = isZoomed(plot);
        plot.setData(data, !zoomed);
        if (zoomed) plot.redraw();
      } else {
        plot?.destroy();
        plot = open(view.log, data);
      }
      read(hovered);
    },
    restyle: () => plot?.redraw(false, true),
  };
}

/** What a person zoomed into stays where it is while the run goes on. */
function isZoomed({ scales, data: [steps] }: uPlot): boolean {
  const { min, max } = scales["x"]!;
  return (min ?? 0) > (steps[0] ?? 0) || (max ?? 0) < (steps.at(-1) ?? 0);
}

/** For each run its values as they are and their moving average, over the steps of all. */
function dataOf(curves: readonly ChartCurve[], { smoothing, log }: ChartView): uPlot.AlignedData {
  const positive = (values: readonly (number | null)[]) => values.map((v) => (v !== null && v > 0 ? v : null));
  const tables = curves.map(({ curve }): uPlot.AlignedData => {
    const values = log ? positive(curve.values) : [...curve.values];
    return [[...curve.steps], smoothing === 0 ? values.map(() => null) : values, smoothed(values, smoothing)];
  });
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}

function optionsOf(
  width: number,
  log: boolean,
  curves: readonly ChartCurve[],
  behind: () => readonly [readonly ChartCurve[], readonly Line[]],
  read: (step: number | null) => void,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: () => color("soft"),
    grid: { stroke: () => color("grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
    values: (_, values) => values.map((value) => (value === null ? "" : tickLabel(value))),
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: true, y: false }, points: { size: 7 } },
    scales: { x: { time: false }, y: log ? { distr: 3, range: logRange } : {} },
    axes: [
      { ...axis, size: 28 },
      {
        ...axis,
        size: 50,
        ...(log ? { splits: (_, __, low, high) => logTicks(low, high), filter: (_, all) => all } : {}),
      },
    ],
    series: [
      {},
      ...curves.flatMap(({ index }): uPlot.Series[] => [
        { stroke: () => faint(runColor(index)), width: 1, points: { show: false }, spanGaps: false },
        {
          stroke: () => runColor(index),
          width: 2,
          points: { show: showsPoints, fill: () => color("card") },
          spanGaps: false,
        },
      ]),
    ],
    hooks: {
      drawClear: [(plot) => drawBehindGrid(plot, behind()[0])],
      drawAxes: [(plot) => drawBehindCurves(plot, ...behind())],
      setCursor: [
        ({ cursor, data }) => {
          const at = cursor.idx;
          read(typeof at === "number" ? (data[0][at] ?? null) : null);
        },
      ],
    },
  };
}

/** A few values are seen only as points. */
const showsPoints = ({ data }: uPlot, series: number): boolean =>
  Array.from(data[series] ?? []).filter((value) => typeof value === "number").length <= 12;

/** Whole powers of ten are far apart where a curve spans less than one. */
function logRange(_: uPlot, min: number | null, max: number | null): [number, number] {
  const [low, high] = [min ?? 0.1, max ?? 1];
  const ratio = Math.max(1.2, (high / low) ** 0.06);
  return [low / ratio, high * ratio];
}

const faint = (hex: string): string => `${hex}59`;

/** The index of the last step that is not after `at`. */
function nearest(steps: readonly number[], at: number): number {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (steps[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What the picture shows, for those who do not see it. */
const described = (title: string, curves: readonly ChartCurve[]): string =>
  [
    title,
    ...curves.map(({ run, curve: { steps, values } }) => {
      const low = values.reduce<number>((least, value) => Math.min(least, value ?? least), Number.POSITIVE_INFINITY);
      const from = values.find((value) => value !== null);
      return `${run}: from ${number(from)} to ${number(values.at(-1))} at step ${steps.at(-1) ?? 0}, least ${number(low)}`;
    }),
  ].join("; ");
