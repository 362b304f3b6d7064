import type uPlot from "uplot";
import type { Curve, Stage } from "../../core/report/curves.ts";
import type { ChartCurve, Line } from "./chart.ts";
import { color, runColor } from "./theme.ts";

/** Behind the grid: stages as bands, and the learning rate along the bottom. */
export function drawBehindGrid(plot: uPlot, [first]: readonly ChartCurve[]): void {
  if (first === undefined) return;
  inside(plot, (x) => {
    drawBands(plot, first.stages, x);
    if (first.learningRate !== null) drawLearningRate(plot, first.learningRate, x);
  });
}

/** Behind the curves: the names of the stages, baselines, and where the best checkpoint is. */
export function drawBehindCurves(plot: uPlot, curves: readonly ChartCurve[], lines: readonly Line[]): void {
  const { ctx, bbox } = plot;
  inside(plot, (x) => {
    label(ctx, color("soft"), "left");
    for (const { from, to, label } of curves[0]?.stages ?? []) {
      const left = Math.max(x(from), bbox.left) + 6;
      if (left + ctx.measureText(label).width < x(to)) ctx.fillText(label, left, bbox.top + 12 * devicePixelRatio);
    }
    drawLines(plot, lines);
    for (const { best, index } of curves) {
      if (best === null) continue;
      ctx.strokeStyle = runColor(index);
      ctx.setLineDash([2, 4]);
      ctx.lineWidth = devicePixelRatio;
      stroke(ctx, [x(best), bbox.top], [x(best), bbox.top + bbox.height]);
    }
  });
}

/** Draws between the axes; `x` is where a step is. */
function inside({ ctx, bbox, valToPos }: uPlot, draw: (x: (step: number) => number) => void): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw((step) => valToPos(step, "x", true));
  ctx.restore();
}

function drawBands({ ctx, bbox }: uPlot, stages: readonly Stage[], x: (step: number) => number): void {
  ctx.fillStyle = color("band");
  for (const [i, { from, to }] of stages.entries())
    if (i % 2 === 1) ctx.fillRect(x(from), bbox.top, x(to) - x(from), bbox.height);
}

/** As an area in the lowest quarter, as high as its share of its largest value. */
function drawLearningRate({ ctx, bbox }: uPlot, { steps, values }: Curve, x: (step: number) => number): void {
  const largest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  if (largest === 0) return;
  const bottom = bbox.top + bbox.height;
  ctx.beginPath();
  ctx.moveTo(x(steps[0]!), bottom);
  for (const [i, step] of steps.entries())
    ctx.lineTo(x(step), bottom - ((values[i] ?? 0) / largest) * bbox.height * 0.25);
  ctx.lineTo(x(steps.at(-1)!), bottom);
  ctx.closePath();
  ctx.fillStyle = color("rate");
  ctx.fill();
}

/** Dashed lines with their names; one that would stand in another's name has none. */
function drawLines(plot: uPlot, lines: readonly Line[]): void {
  const { ctx, bbox, scales } = plot;
  const { min = 0, max = 0 } = scales["y"] ?? {};
  label(ctx, color("soft"), "right");
  const taken: number[] = [];
  for (const { name, value } of lines) {
    if (value < min! || value > max!) continue;
    const y = plot.valToPos(value, "y", true);
    ctx.strokeStyle = color("soft");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6, 5]);
    stroke(ctx, [bbox.left, y], [bbox.left + bbox.width, y]);
    if (taken.some((other) => Math.abs(other - y) < 12 * devicePixelRatio)) continue;
    taken.push(y);
    ctx.fillText(name, bbox.left + bbox.width - 4, y - 4 * devicePixelRatio);
  }
  ctx.setLineDash([]);
}

function label(ctx: CanvasRenderingContext2D, ink: string, align: CanvasTextAlign): void {
  ctx.fillStyle = ink;
  ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = align;
  ctx.textBaseline = "alphabetic";
}

function stroke(ctx: CanvasRenderingContext2D, from: readonly [number, number], to: readonly [number, number]): void {
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
}
