import { distances, GOAL_DISTANCE, type Particles } from "./environment.ts";
import type { Landscape } from "./landscape.ts";
import { type Rollout, succeeded } from "./rollout.ts";
import { CELL, dot, INK, type LegendEntry, label, line, type Point, place, ring, sheet, short } from "./svg.ts";

const WHITE = "#ffffff";
const FIRST = "#1d4ed8";
const SECOND = "#c2410c";
const CHOICE = "#dc2626";
const GROUND = { reached: "#f8fafc", failed: "#fee2e2" };

/**
 * Episodes side by side as SVG: the particle's path with a dot for each control step, and the goals in the size that counts
 * as reached. Beyond two dimensions the first two are drawn; in one, time goes to the right. `of` episodes there were.
 */
export function trajectoriesSvg(rollout: Rollout, of = rollout.last.count): string {
  const { last, positions, steps } = rollout;
  const { dims, count } = last;
  const at = (values: Float64Array, i: number, time: number): Point =>
    place(dims === 1 ? [time, values[i]!] : [values[i * dims]!, values[i * dims + 1]!]);
  const success = succeeded(last);
  const panels = success.map((reached, i) => {
    const path = positions.map((p, step) => at(p, i, step / steps));
    const ground = reached ? GROUND.reached : GROUND.failed;
    return {
      caption: `episode ${i}: ${outcome(last, i)}`,
      drawn: [
        `<rect width="${CELL}" height="${CELL}" fill="${ground}" stroke="#cbd5e1"/>`,
        ...goals(at(last.firstGoal, i, 1), at(last.secondGoal, i, 1)),
        line(path, INK, 1.2),
        ...path.map((p) => dot(p, 1.5, INK)),
        ring(path[0]!, 4, INK, WHITE),
        dot(path.at(-1)!, 3.5, INK),
      ],
    };
  });
  const which = count < of ? ` of the first ${count} of ${of}` : ` of ${count}`;
  const view = dims === 1 ? "; time goes to the right" : dims > 2 ? `; seen along coordinates 1 and 2 of ${dims}` : "";
  const title = `${success.filter(Boolean).length}${which} episodes succeeded${view}`;
  return sheet(title, trajectoryLegend, panels, Math.ceil(Math.sqrt(count)));
}

/** What became of an episode, the first goal first. */
function outcome({ dims, position, secondGoal, firstDistance, secondDistance }: Particles, i: number): string {
  const missed = (goal: number, distance: number): string => `${distance.toPrecision(2)} from goal ${goal} at best`;
  if (firstDistance[i]! >= GOAL_DISTANCE) return missed(1, firstDistance[i]!);
  if (secondDistance[i]! >= GOAL_DISTANCE) return missed(2, secondDistance[i]!);
  const end = distances(position, secondGoal, dims)[i]!;
  return end < GOAL_DISTANCE ? "success" : `ended ${end.toPrecision(2)} from goal 2`;
}

/** An energy landscape and what is on it. */
export interface EnergyPanel {
  readonly caption: string;
  readonly landscape: Landscape;
  /** Where the particle has been; the last is where it is. */
  readonly path: readonly Point[];
  readonly firstGoal: Point;
  readonly secondGoal: Point;
  /** The setpoint that the policy chose. */
  readonly action: Point;
}

/** Energy landscapes over setpoints along an episode as SVG, each in colours of its own range. */
export function energySvg(episode: number, panels: readonly EnergyPanel[]): string {
  const drawn = panels.map(({ caption, landscape, path, firstGoal, secondGoal, action }) => {
    const { low, high } = rangeOf(landscape);
    return {
      caption: `${caption}: energy ${low.toPrecision(3)} to ${high.toPrecision(3)}`,
      drawn: [
        heatMap(landscape),
        ...goals(place(firstGoal), place(secondGoal)),
        line(path.map(place), WHITE, 1.5),
        ring(place(path.at(-1)!), 4.5, WHITE, INK),
        cross(place(action)),
      ],
    };
  });
  const title = `Energy of each setpoint that the particle may be drawn to, along episode ${episode}`;
  return sheet(title, energyLegend, drawn, Math.min(4, panels.length));
}

const LEVELS = 24;

/** The smallest and largest energy. */
function rangeOf({ energies }: Landscape): { low: number; high: number } {
  const low = energies.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = energies.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return { low, high };
}

/** One path for each colour, with cells of a row that have it as one rectangle: small files. */
function heatMap(landscape: Landscape): string {
  const { resolution, energies } = landscape;
  const { low, high } = rangeOf(landscape);
  const levelOf = (i: number): number =>
    high > low ? Math.min(LEVELS - 1, Math.floor(((energies[i]! - low) / (high - low)) * LEVELS)) : 0;
  const size = CELL / resolution;
  const paths = Array.from({ length: LEVELS }, () => "");
  for (let row = 0; row < resolution; row++) {
    const y = short(CELL - (row + 1) * size);
    for (let from = 0, to: number; from < resolution; from = to) {
      const level = levelOf(row * resolution + from);
      for (to = from + 1; to < resolution && levelOf(row * resolution + to) === level; ) to++;
      const width = short((to - from) * size);
      paths[level] += `M${short(from * size)} ${y}h${width}v${short(size)}h-${width}z`;
    }
  }
  const drawn = paths.map((d, level) =>
    d === "" ? "" : `<path d="${d}" fill="${colorOf(1 - level / (LEVELS - 1))}"/>`,
  );
  return `<g shape-rendering="crispEdges">${drawn.join("")}</g>`;
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

const goal = ([x, y]: Point, color: string, name: string): string => {
  const radius = GOAL_DISTANCE * CELL;
  const disc = `<circle cx="${x}" cy="${y}" r="${radius}" fill="${WHITE}" fill-opacity="0.6" stroke="${color}" stroke-width="2"/>`;
  return disc + label([x + radius + 1, y - radius + 3], name, color);
};

const goals = (first: Point, second: Point): string[] => [goal(first, FIRST, "1"), goal(second, SECOND, "2")];

function cross([x, y]: Point): string {
  const d = `M${x - 5} ${y - 5}l10 10m-10 0l10 -10`;
  return `<path d="${d}" stroke="${WHITE}" stroke-width="5"/><path d="${d}" stroke="${CHOICE}" stroke-width="2.5"/>`;
}

const middle: Point = [0, 0];
const entry = (symbol: string, text: string, width = 16): LegendEntry => ({ symbol, width, text });
const goalEntries: readonly LegendEntry[] = [
  entry(goal([-4, 0], FIRST, "1"), "first goal", 32),
  entry(goal([-4, 0], SECOND, "2"), "second goal, as large as counts as reached", 32),
];
const swatch = (color: string): string =>
  `<rect x="-8" y="-8" width="16" height="16" fill="${color}" stroke="#cbd5e1"/>`;

const trajectoryLegend: readonly LegendEntry[] = [
  entry(ring(middle, 4, INK, WHITE), "start"),
  entry(dot(middle, 1.5, INK), "every 50 ms"),
  entry(dot(middle, 3.5, INK), "end"),
  ...goalEntries,
  entry(swatch(GROUND.failed), "failed"),
];

const colorBar = Array.from({ length: LEVELS }, (_, i) => {
  const fill = colorOf(1 - i / (LEVELS - 1));
  return `<rect x="${(i - LEVELS / 2) * 3}" y="-6" width="3" height="12" fill="${fill}" shape-rendering="crispEdges"/>`;
}).join("");

const energyLegend: readonly LegendEntry[] = [
  entry(colorBar, "low to high energy, of each panel's range", 3 * LEVELS),
  entry(cross(middle), "chosen setpoint: the lowest that the search found"),
  entry(ring(middle, 4.5, WHITE, INK), "particle, and its path so far"),
  ...goalEntries,
];
