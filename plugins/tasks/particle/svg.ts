/** A panel's side: the unit square, px. */
export const CELL = 192;
const GAP = 24;
const CAPTION = 20;
const LINE = 26;
/** Below this the title and the legend would not fit. */
const LEAST_WIDTH = 660;

export const INK = "#1f2937";

export type Point = readonly [x: number, y: number];

/** To a hundredth of a pixel, which keeps files small. */
export const short = (value: number): number => Math.round(value * 100) / 100;

/** A point of the unit square in a panel, up being up. */
export const place = ([x, y]: Point): Point => [short(x * CELL), short((1 - y) * CELL)];

export const dot = ([x, y]: Point, radius: number, color: string): string =>
  `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"/>`;

/** A ring with a rim of the other colour, to be seen on any ground. */
export const ring = ([x, y]: Point, radius: number, color: string, rim: string): string =>
  [
    [rim, 4],
    [color, 2],
  ]
    .map(
      ([ink, width]) =>
        `<circle cx="${x}" cy="${y}" r="${radius}" fill="none" stroke="${ink}" stroke-width="${width}"/>`,
    )
    .join("");

export const line = (points: readonly Point[], color: string, width: number): string =>
  `<polyline points="${points.map((p) => p.join()).join(" ")}" fill="none" stroke="${color}" stroke-width="${width}"/>`;

/** A text with a white rim; escaped. */
export const label = ([x, y]: Point, text: string, color: string): string =>
  `<text x="${x}" y="${y}" font-size="12" font-weight="bold" fill="${color}" stroke="#ffffff" stroke-width="3" paint-order="stroke">${escaped(text)}</text>`;

/** A drawing in a square of `CELL` px, and a line below it. */
export interface Panel {
  readonly drawn: readonly string[];
  readonly caption: string;
}

export interface LegendEntry {
  /** Drawn around the origin, `width` px wide. */
  readonly symbol: string;
  readonly width: number;
  readonly text: string;
}

/** A title, a legend and panels side by side, as an SVG document. */
export function sheet(
  title: string,
  legend: readonly LegendEntry[],
  panels: readonly Panel[],
  columns: number,
): string {
  const width = Math.max(LEAST_WIDTH, GAP + columns * (CELL + GAP));
  const { rows, drawn } = layLegend(legend, width);
  const top = GAP + (1 + rows) * LINE;
  const height = top + Math.ceil(panels.length / columns) * (CELL + CAPTION + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text([GAP, 22], title, 14),
    ...drawn,
    ...panels.map(({ drawn, caption }, i) => {
      const at = [GAP + (i % columns) * (CELL + GAP), top + Math.floor(i / columns) * (CELL + CAPTION + GAP)] as const;
      return moved(at, [...drawn, text([0, CELL + 15], caption, 11)]);
    }),
    "</svg>\n",
  ].join("\n");
}

/** Entries from left to right, in as many rows as they need. A text's width is not known: 6 px a letter is ample. */
function layLegend(legend: readonly LegendEntry[], width: number): { rows: number; drawn: string[] } {
  let [x, row] = [GAP, 0];
  const drawn = legend.map(({ symbol, width: symbolWidth, text: said }) => {
    const needed = symbolWidth + 6 + 6 * said.length + GAP;
    if (x > GAP && x + needed > width) [x, row] = [GAP, row + 1];
    const at: Point = [x, (row + 2) * LINE];
    x += needed;
    return moved(at, [moved([symbolWidth / 2, -4], [symbol]), text([symbolWidth + 6, 0], said, 11)]);
  });
  return { rows: row + 1, drawn };
}

const moved = ([x, y]: Point, drawn: readonly string[]): string =>
  `<g transform="translate(${x} ${y})">${drawn.join("")}</g>`;

const text = ([x, y]: Point, said: string, size: number): string =>
  `<text x="${x}" y="${y}" font-size="${size}" fill="${INK}">${escaped(said)}</text>`;

const escaped = (said: string): string => said.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
