import { type Curve, smoothed, thinned } from "../../core/report/curves.ts";
import { linearTicks, logTicks, tickLabel } from "../../core/report/ticks.ts";

/** A metric of one run. */
export interface PlotLine {
  /** For the legend. */
  readonly name: string;
  /** The run's place, for the colour: the same in every panel. */
  readonly color: number;
  readonly curve: Curve;
}

/** A metric of all runs. */
export interface PlotPanel {
  readonly title: string;
  readonly lines: readonly PlotLine[];
}

export interface PlotLook {
  /** Of the whole picture, px. */
  readonly width: number;
  /** Of one panel, px. */
  readonly height: number;
  readonly log: boolean;
  /** Weight of the moving average, 0 for none. */
  readonly smoothing: number;
}

/** Okabe & Ito 2008, told apart also by people who do not see all colours; black for a single run. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const INK = "#1f2937";
const SOFT = "#6b7280";
const GRID = "#e5e7eb";
const MARGIN = { left: 62, right: 18, top: 30, bottom: 40 };
const LEGEND = 26;
const MOST_POINTS = 2000;

/** Panels one below another over the same steps, as an SVG document. Throws nothing: empty curves make empty panels. */
export function linePlot(panels: readonly PlotPanel[], look: PlotLook): string {
  const { width, height } = look;
  const drawn = panels.map(({ title, lines }) => ({ title, lines: lines.map((line) => prepared(line, look)) }));
  const steps = drawn.flatMap(({ lines }) => lines.flatMap(({ curve }) => curve.steps));
  const x = scale([Math.min(...steps, 0), Math.max(...steps, 1)], [MARGIN.left, width - MARGIN.right], false);
  const names = [...new Map(panels.flatMap(({ lines }) => lines.map(({ name, color }) => [name, color])))];
  const legend = names.length > 1 ? LEGEND : 0;
  const total = legend + panels.length * height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" font-family="sans-serif" font-size="12" fill="${INK}">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...(names.length > 1 ? drawLegend(names) : []),
    ...drawn.map(
      (panel, i) => `<g transform="translate(0 ${legend + i * height})">${drawPanel(panel, x, look).join("")}</g>`,
    ),
    "</svg>\n",
  ].join("\n");
}

interface Prepared extends PlotLine {
  readonly faint: Curve | null;
}

/** Smoothed, thinned to what a picture can show, without what a logarithm has no place for. */
function prepared(line: PlotLine, { log, smoothing }: PlotLook): Prepared {
  const { steps, values } = line.curve;
  const shown = log ? values.map((value) => (value !== null && value > 0 ? value : null)) : values;
  const of = (kept: readonly (number | null)[]): Curve => thinned({ steps, values: [...kept] }, MOST_POINTS);
  return { ...line, curve: of(smoothed(shown, smoothing)), faint: smoothing === 0 ? null : of(shown) };
}

interface Scale {
  readonly domain: readonly [low: number, high: number];
  at(value: number): number;
}

function scale(domain: readonly [number, number], range: readonly [number, number], log: boolean): Scale {
  const f = log ? Math.log10 : (value: number) => value;
  const [low, high] = [f(domain[0]), f(domain[1])];
  return { domain, at: (value) => range[0] + ((f(value) - low) / (high - low)) * (range[1] - range[0]) };
}

function drawPanel(
  { title, lines }: { readonly title: string; readonly lines: readonly Prepared[] },
  x: Scale,
  { width, height, log }: PlotLook,
): string[] {
  const values = lines.flatMap(({ curve, faint }) =>
    [...curve.values, ...(faint?.values ?? [])].filter((v) => v !== null),
  );
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  const y = scale(valueDomain(values, log), [bottom, top], log);
  const clip = `clip-${title.replaceAll(/\W/g, "-")}`;
  return [
    `<text x="${left}" y="${top - 12}" font-weight="bold">${escaped(title)}</text>`,
    `<clipPath id="${clip}"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>`,
    ...(log ? logTicks(...y.domain) : linearTicks(...y.domain, 5)).flatMap((value) => {
      const at = short(y.at(value));
      return [
        `<path d="M${left} ${at}H${right}" stroke="${GRID}"/>`,
        `<text x="${left - 8}" y="${at + 4}" text-anchor="end" fill="${SOFT}">${tickLabel(value)}</text>`,
      ];
    }),
    ...linearTicks(...x.domain, 6).map(
      (value) =>
        `<text x="${short(x.at(value))}" y="${bottom + 18}" text-anchor="middle" fill="${SOFT}">${tickLabel(value)}</text>`,
    ),
    `<path d="M${left} ${bottom}H${right}" stroke="${SOFT}"/>`,
    `<text x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle" fill="${SOFT}">step</text>`,
    `<g clip-path="url(#${clip})" fill="none" stroke-linejoin="round">`,
    ...lines.flatMap(({ faint, color }) =>
      faint === null ? [] : [`<path d="${path(faint, x, y)}" stroke="${colorOf(color)}" stroke-opacity="0.25"/>`],
    ),
    ...lines.map(
      ({ curve, color }) => `<path d="${path(curve, x, y)}" stroke="${colorOf(color)}" stroke-width="1.8"/>`,
    ),
    "</g>",
    ...(values.length === 0
      ? [`<text x="${(left + right) / 2}" y="${(top + bottom) / 2}" text-anchor="middle">no finite values</text>`]
      : []),
  ];
}

/** With some room above and below; a constant lies in the middle. */
function valueDomain(values: readonly number[], log: boolean): readonly [number, number] {
  if (values.length === 0) return log ? [0.1, 1] : [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (log) {
    const room = Math.max(1.1, (high / low) ** 0.05);
    return [low / room, high * room];
  }
  const room = high > low ? 0.06 * (high - low) : Math.abs(high) / 10 || 1;
  return [low - room, high + room];
}

/** A gap where a value was not finite; a value alone is a dot. */
function path({ steps, values }: Curve, x: Scale, y: Scale): string {
  let drawing = false;
  const commands = steps.map((step, i) => {
    const value = values[i] ?? null;
    if (value === null) {
      drawing = false;
      return "";
    }
    const point = `${short(x.at(step))} ${short(y.at(value))}`;
    const alone = !drawing && (values[i + 1] ?? null) === null;
    const command = drawing ? `L${point}` : `M${point}${alone ? "h0.01" : ""}`;
    drawing = true;
    return command;
  });
  return commands.join("");
}

function drawLegend(names: readonly (readonly [name: string, color: number])[]): string[] {
  let x = MARGIN.left;
  return names.map(([name, color]) => {
    const at = x;
    x += 48 + 7 * name.length;
    return `<path d="M${at} 16h20" stroke="${colorOf(color)}" stroke-width="3"/><text x="${at + 26}" y="20">${escaped(name)}</text>`;
  });
}

const colorOf = (index: number): string => COLORS[index % COLORS.length]!;
const short = (value: number): number => Math.round(value * 100) / 100;
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
