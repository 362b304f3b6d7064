import { SAMPLES_PER_CYCLE } from "../motion/layout.ts";
import type { LimbScales } from "./body.ts";
import { type Cycle, cycleOf, type Figure, STROKES, type Stroke } from "./figure.ts";

/** A predicted gait cycle and the one it should be. */
export interface CyclePicture {
  readonly title: string;
  /** Raw channels, `[≥ 30·101]`; the first cycle is shown. */
  readonly target: Float32Array;
  readonly predicted: Float32Array;
  readonly scales: LimbScales;
  /** Cycles a second. */
  readonly cadence: number;
  /** Whether the target was made up: the picture says so. */
  readonly synthetic: boolean;
}

type Palette = Readonly<Record<Stroke["part"], string>>;
const TARGET: Palette = { R: "#2563eb", L: "#93c5fd", trunk: "#1e3a8a" };
const PREDICTED: Palette = { R: "#ea580c", L: "#fdba74", trunk: "#9a3412" };
const GHOST: Palette = { R: "#cbd5e1", L: "#e2e8f0", trunk: "#cbd5e1" };
const INK = "#1f2937";
const SOFT = "#64748b";

/** What a picture shows of the world, cm. */
interface View {
  readonly left: number;
  readonly width: number;
  /** Coordinate that goes to the right: 2 (forward) from the walker's right side, 0 (left) from in front. */
  readonly across: 0 | 2;
}
const SIDE: View = { left: -90, width: 180, across: 2 };
const FRONT: View = { left: -45, width: 90, across: 0 };
const MOMENT: View = { left: -62, width: 124, across: 2 };
const TOP = 188;
const BOTTOM = -10;
const HEIGHT = TOP - BOTTOM;

const GAP = 16;
const SCALE = 1.4;
const PANEL_WIDTH = SCALE * (SIDE.width + FRONT.width);
const WIDTH = 3 * GAP + 2 * PANEL_WIDTH;
const HEADING = 64;
const MOMENTS = 10;
const STRIP_TOP = HEADING + SCALE * HEIGHT + 2 * GAP;
const STRIP_SCALE = (WIDTH - 2 * GAP) / (MOMENTS * MOMENT.width);

/**
 * A gait cycle as animated SVG (SMIL, no script): the target, the prediction over the target's shadow, each from the
 * right and from in front; below, moments of the cycle for viewers that show no animation.
 */
export function renderCycle({ title, target, predicted, scales, cadence, synthetic }: CyclePicture): string {
  const truth = cycleOf(target, scales, cadence);
  const guess = cycleOf(predicted, scales, cadence);
  const seconds = short(1 / cadence);
  const height = short(STRIP_TOP + STRIP_SCALE * HEIGHT + 22 + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    ` font-family="sans-serif" fill="none" stroke-linecap="round" stroke-linejoin="round">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(GAP, 26, 15, INK, title, 'font-weight="bold"'),
    ...(synthetic ? [badge("synthetic data")] : []),
    ...panel(GAP, "target", TARGET, truth, [[truth, TARGET]], seconds),
    ...panel(
      2 * GAP + PANEL_WIDTH,
      "predicted",
      PREDICTED,
      guess,
      [
        [truth, GHOST],
        [guess, PREDICTED],
      ],
      seconds,
    ),
    ...strip(truth, guess),
    "</svg>\n",
  ].join("\n");
}

type Layer = readonly [cycle: Cycle, palette: Palette];

/** A heading, and layers of figures that walk on the spot while the ground of `own` passes, in both views. */
function panel(
  x: number,
  heading: string,
  { R: color }: Palette,
  own: Cycle,
  layers: readonly Layer[],
  seconds: number,
) {
  const figures = (view: View): string[] =>
    layers.flatMap(([{ figures }, palette]) =>
      STROKES.map((stroke) => moving(figures, stroke, palette, view, seconds)),
    );
  const speed = own.travelled.at(-1)! / seconds / 100;
  return [
    `<circle cx="${x + 5}" cy="${HEADING - 15}" r="5" fill="${color}"/>`,
    text(x + 16, HEADING - 10, 12, INK, `${heading}, ${speed.toFixed(2)} m/s`),
    ...scene(x, HEADING, SCALE, SIDE, [passingGround(own.travelled, seconds), ...figures(SIDE)]),
    ...scene(x + SCALE * SIDE.width, HEADING, SCALE, FRONT, figures(FRONT)),
  ];
}

/** Moments of the cycle, equally far apart: the prediction over the target's shadow. */
function strip(truth: Cycle, guess: Cycle): string[] {
  return Array.from({ length: MOMENTS }, (_, k) => {
    const i = (k * SAMPLES_PER_CYCLE) / MOMENTS;
    const x = GAP + k * MOMENT.width * STRIP_SCALE;
    const still = ({ figures }: Cycle, palette: Palette): string[] =>
      STROKES.map((stroke) => line(pointsOf(figures[i]!, stroke, MOMENT), palette, stroke));
    const share = (100 * k) / MOMENTS;
    return [
      ...scene(x, STRIP_TOP, STRIP_SCALE, MOMENT, [...still(truth, GHOST), ...still(guess, PREDICTED)]),
      text(
        x + (STRIP_SCALE * MOMENT.width) / 2,
        STRIP_TOP + STRIP_SCALE * HEIGHT + 16,
        11,
        SOFT,
        `${share} %`,
        'text-anchor="middle"',
      ),
    ];
  }).flat();
}

/** A piece of the world in centimetres, cut at its edges, with the ground in it. */
function scene(x: number, y: number, scale: number, { left, width }: View, drawn: readonly string[]): string[] {
  const place = `x="${short(x)}" y="${short(y)}" width="${short(scale * width)}" height="${short(scale * HEIGHT)}"`;
  return [
    `<svg ${place} viewBox="${left} ${-TOP} ${width} ${HEIGHT}">`,
    `<rect x="${left}" y="${-TOP}" width="${width}" height="${HEIGHT}" fill="#f8fafc"/>`,
    `<rect x="${left}" y="0" width="${width}" height="${-BOTTOM}" fill="#e2e8f0"/>`,
    ...drawn,
    "</svg>",
  ];
}

function moving(figures: readonly Figure[], stroke: Stroke, palette: Palette, view: View, seconds: number): string {
  const frames = [...figures, figures[0]!].map((figure) => pointsOf(figure, stroke, view));
  const animation = `<animate attributeName="points" ${cyclic(seconds)} values="${frames.join(";")}"/>`;
  return line(frames[0]!, palette, stroke, animation);
}

const cyclic = (seconds: number): string => `dur="${seconds}s" repeatCount="indefinite"`;

/** Centimetres, about. */
const MARK_DISTANCE = 50;

/** Marks on the ground that pass by as the root moves; a whole number of them in a cycle, so that it closes. */
function passingGround(travelled: readonly number[], seconds: number): string {
  const length = Math.abs(travelled.at(-1)!);
  const distance = length / Math.max(1, Math.round(length / MARK_DISTANCE));
  // A prediction that stands still has no ground to pass.
  const step = distance > MARK_DISTANCE / 2 ? distance : MARK_DISTANCE;
  const marks = Array.from({ length: 17 }, (_, k) => `M${short((k - 8) * step)} 3h12`);
  const values = travelled.map((cm) => `${short(-cm)} 0`).join(";");
  return (
    `<path d="${marks.join("")}" stroke="#94a3b8" stroke-width="2">` +
    `<animateTransform attributeName="transform" type="translate" ${cyclic(seconds)} values="${values}"/></path>`
  );
}

function pointsOf(figure: Figure, { points }: Stroke, { across }: View): string {
  return points.map((name) => `${short(figure[name]![across])},${short(-figure[name]![1])}`).join(" ");
}

function line(points: string, palette: Palette, { part, width, solid }: Stroke, inside = ""): string {
  const fill = solid === true ? ` fill="${palette[part]}"` : "";
  return `<polyline points="${points}" stroke="${palette[part]}" stroke-width="${width}"${fill}>${inside}</polyline>`;
}

const badge = (words: string): string =>
  `<rect x="${WIDTH - GAP - 112}" y="10" width="112" height="22" rx="11" fill="#fef3c7" stroke="#f59e0b"/>` +
  text(WIDTH - GAP - 56, 25, 11, "#92400e", words, 'text-anchor="middle"');

const text = (x: number, y: number, size: number, color: string, words: string, attributes = ""): string =>
  `<text x="${short(x)}" y="${short(y)}" font-size="${size}" fill="${color}" ${attributes}>${escaped(words)}</text>`;

const short = (value: number): number => Math.round(value * 10) / 10;
const escaped = (words: string): string => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
