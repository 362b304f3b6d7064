import { GOAL_DISTANCE } from "./environment.ts";
import type { Landscape } from "./landscape.ts";
import { type Rollout, succeeded } from "./rollout.ts";

const CELL = 180;
const GAP = 14;
const CAPTION = 22;
const INK = "#1f2937";
const FIRST = "#2563eb";
const SECOND = "#ea580c";

type Point = readonly [x: number, y: number];

/**
 * Episodes side by side as SVG: the agent's path with a dot for each control step, from its ring, and the goals 1 and 2
 * in the size that counts as reached; failures on a red ground. Beyond two dimensions the first two are drawn; in one,
 * time goes to the right.
 */
export function trajectoriesSvg(rollout: Rollout): string {
  const { last, positions, steps } = rollout;
  const { dims, count } = last;
  const success = succeeded(last);
  const columns = Math.ceil(Math.sqrt(count));
  const at = (values: Float64Array, i: number, time: number): Point =>
    dims === 1 ? [time, values[i]!] : [values[i * dims]!, values[i * dims + 1]!];
  const cells = success.map((reached, i) => {
    const path = positions.map((p, step) => at(p, i, step / steps));
    const goals = [
      [last.firstGoal, FIRST, "1"],
      [last.secondGoal, SECOND, "2"],
    ] as const;
    const drawn = [
      `<rect width="${CELL}" height="${CELL}" fill="${reached ? "#f8fafc" : "#fee2e2"}" stroke="#cbd5e1"/>`,
      ...goals.map(([goal, color, label]) => drawGoal(at(goal, i, 1), color, label)),
      `<polyline points="${path.map((p) => place(p).join()).join(" ")}" fill="none" stroke="${INK}" stroke-width="1.2"/>`,
      ...path.map((p) => dot(p, 1.3, INK)),
      ring(path[0]!, 4, INK),
    ];
    return group(drawn, i, columns);
  });
  const rows = Math.ceil(count / columns);
  return svg(columns, rows, `${success.filter(Boolean).length} of ${count} episodes succeeded`, cells);
}

/** An energy landscape and what is on it. */
export interface EnergyPanel {
  readonly caption: string;
  readonly landscape: Landscape;
  readonly position: Point;
  readonly firstGoal: Point;
  readonly secondGoal: Point;
  /** The setpoint that the policy chose. */
  readonly action: Point;
}

/** Energy landscapes over setpoints as SVG, bright where the energy is low: the agent (ring), goals, chosen action (cross). */
export function energySvg(panels: readonly EnergyPanel[]): string {
  const columns = Math.min(4, panels.length);
  const cells = panels.map(({ caption, landscape, position, firstGoal, secondGoal, action }, i) => {
    const [x, y] = place(action);
    const drawn = [
      ...heatMap(landscape),
      drawGoal(firstGoal, FIRST, "1"),
      drawGoal(secondGoal, SECOND, "2"),
      ring(position, 5, "#ffffff"),
      `<path d="M${x - 6} ${y - 6}L${x + 6} ${y + 6}M${x - 6} ${y + 6}L${x + 6} ${y - 6}" stroke="#dc2626" stroke-width="2"/>`,
      `<text x="0" y="${CELL + 15}" font-size="11" fill="${INK}">${escaped(caption)}</text>`,
    ];
    return group(drawn, i, columns, CAPTION);
  });
  const rows = Math.ceil(panels.length / columns);
  return svg(columns, rows, "Energy of each setpoint: bright is low, the cross is the choice", cells, CAPTION);
}

const LEVELS = 24;

/** One path for each colour, which keeps the file small. */
function heatMap({ resolution, energies }: Landscape): string[] {
  const low = energies.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = energies.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const size = CELL / resolution;
  const paths = Array.from({ length: LEVELS }, () => "");
  for (const [i, energy] of energies.entries()) {
    const share = high > low ? (energy - low) / (high - low) : 0;
    const x = short((i % resolution) * size);
    const y = short(CELL - (Math.floor(i / resolution) + 1) * size);
    paths[Math.min(LEVELS - 1, Math.floor(share * LEVELS))] +=
      `M${x} ${y}h${short(size)}v${short(size)}h-${short(size)}z`;
  }
  return paths.flatMap((d, level) => {
    const color = colorOf(1 - level / (LEVELS - 1));
    // The stroke covers the seams between cells.
    return d === "" ? [] : [`<path d="${d}" fill="${color}" stroke="${color}" stroke-width="0.4"/>`];
  });
}

/** Five colours of viridis (van der Walt & Smith 2015), dark to bright. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

function colorOf(share: number): string {
  const at = share * (VIRIDIS.length - 1);
  const from = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const mixed = VIRIDIS[from]!.map((c, k) => Math.round(c + (VIRIDIS[from + 1]![k]! - c) * (at - from)));
  return `rgb(${mixed.join()})`;
}

const short = (value: number): number => Math.round(value * 100) / 100;
const place = ([x, y]: Point): Point => [short(x * CELL), short((1 - y) * CELL)];

const dot = (point: Point, radius: number, color: string): string => {
  const [x, y] = place(point);
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"/>`;
};

const ring = (point: Point, radius: number, color: string): string => {
  const [x, y] = place(point);
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="none" stroke="${color}" stroke-width="2"/>`;
};

function drawGoal(point: Point, color: string, label: string): string {
  const [x, y] = place(point);
  const radius = GOAL_DISTANCE * CELL;
  return (
    `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}" fill-opacity="0.35" stroke="${color}"/>` +
    `<text x="${x}" y="${y + 4}" font-size="11" font-weight="bold" text-anchor="middle" fill="${color}">${label}</text>`
  );
}

function group(drawn: readonly string[], i: number, columns: number, below = 0): string {
  const x = GAP + (i % columns) * (CELL + GAP);
  const y = CAPTION + GAP + Math.floor(i / columns) * (CELL + GAP + below);
  return `<g transform="translate(${x} ${y})">${drawn.join("")}</g>`;
}

function svg(columns: number, rows: number, title: string, cells: readonly string[], below = 0): string {
  const width = GAP + columns * (CELL + GAP);
  const height = CAPTION + GAP + rows * (CELL + GAP + below);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${GAP}" y="22" font-size="13" fill="${INK}">${escaped(title)}</text>`,
    ...cells,
    "</svg>\n",
  ].join("\n");
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
