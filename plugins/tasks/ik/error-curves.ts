import { linearTicks, logTicks, tickLabel } from "../../../core/report/ticks.ts";
import { type PoseErrors, SUCCESS } from "./robot/pose-error.ts";

/** The pose errors of a method, on the same poses as those of the others. */
export interface MethodErrors {
  readonly name: string;
  readonly errors: PoseErrors;
}

const PLOT = { width: 330, height: 240, left: 58, top: 76, gap: 68 };
const WIDTH = 2 * PLOT.width + PLOT.gap + PLOT.left + 24;
const HEIGHT = PLOT.top + PLOT.height + 52;
/** Of both axes: what is smaller, a robot does not tell from none. */
const LEAST = 0.01;
const POINTS = 200;

/** Okabe & Ito 2008: told apart also by people who do not see all colours. */
const COLORS = ["#0072b2", "#8b8b8b", "#e69f00", "#009e73", "#cc79a7", "#d55e00"];
const SOFT = "#64748b";

/**
 * Which share of the poses a method reaches within an error (the empirical distribution function), for position and
 * orientation, as an SVG document. The first method is the model.
 */
export function errorCurves(methods: readonly MethodErrors[]): string {
  const title = `Share of ${methods[0]!.errors.position_error_mm.length} poses reached within an error`;
  const legend = methods.map(
    ({ name }, i) =>
      `<g transform="translate(${PLOT.left + 116 * i} 50)"><line x2="22" y1="-4" y2="-4" stroke="${inkOf(i)}" stroke-width="${widthOf(i)}"/><text x="28">${name.replaceAll("_", " ")}</text></g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#1f2937">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="${PLOT.left}" y="26" font-size="15" font-weight="bold">${title}</text>`,
    ...legend,
    panel(0, methods, "position_error_mm", "position error, mm"),
    panel(1, methods, "orientation_error_deg", "orientation error, °"),
    "</svg>\n",
  ].join("\n");
}

const inkOf = (method: number): string => COLORS[method % COLORS.length]!;
const widthOf = (method: number): number => (method === 0 ? 3 : 1.5);
const short = (value: number): number => Math.round(value * 10) / 10;

function panel(at: number, methods: readonly MethodErrors[], metric: keyof PoseErrors, title: string): string {
  const { width, height } = PLOT;
  const most = methods.reduce((largest, { errors }) => {
    const finite = errors[metric].filter(Number.isFinite);
    return finite.reduce((max, error) => Math.max(max, error), largest);
  }, 2 * SUCCESS[metric]);
  const x = (error: number): number => short((width * Math.log(error / LEAST)) / Math.log(most / LEAST));
  const y = (share: number): number => short(height * (1 - share));
  const columns = logTicks(LEAST, most).map(
    (error) =>
      `<line x1="${x(error)}" x2="${x(error)}" y2="${height}" stroke="#e2e8f0"/><text x="${x(error)}" y="${height + 16}" text-anchor="middle" fill="${SOFT}">${tickLabel(error)}</text>`,
  );
  const rows = linearTicks(0, 1, 4).map(
    (share) =>
      `<line x2="${width}" y1="${y(share)}" y2="${y(share)}" stroke="#e2e8f0"/><text x="-8" y="${y(share) + 4}" text-anchor="end" fill="${SOFT}">${100 * share} %</text>`,
  );
  const limit = x(SUCCESS[metric]);
  const curves = methods.map(({ errors }, i) => {
    const points = sharesWithin(errors[metric], most).map(({ error, share }) => `${x(error)} ${y(share)}`);
    return `<path d="M${points.join("L")}" fill="none" stroke="${inkOf(i)}" stroke-width="${widthOf(i)}"/>`;
  });
  return [
    `<g transform="translate(${PLOT.left + at * (width + PLOT.gap)} ${PLOT.top})">`,
    ...columns,
    ...rows,
    `<line x1="${limit}" x2="${limit}" y2="${height}" stroke="${SOFT}" stroke-dasharray="4 4"/>`,
    `<text x="${limit + 5}" y="${height - 8}" fill="${SOFT}">success</text>`,
    // The model above the others.
    ...curves.toReversed(),
    `<text x="${width / 2}" y="${height + 38}" text-anchor="middle">${title}</text>`,
    "</g>",
  ].join("");
}

/** The share of errors up to each of some that are equally far apart on a logarithmic axis. A NaN is beyond them all. */
export function sharesWithin(errors: Float64Array, most: number): { readonly error: number; readonly share: number }[] {
  const sorted = errors.toSorted();
  let within = 0;
  return Array.from({ length: POINTS + 1 }, (_, i) => {
    const error = i === POINTS ? most : LEAST * (most / LEAST) ** (i / POINTS);
    while (within < sorted.length && sorted[within]! <= error) within++;
    return { error, share: within / sorted.length };
  });
}
