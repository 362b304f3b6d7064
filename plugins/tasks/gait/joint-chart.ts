import { JOINTS } from "./motion/layout.ts";

const ROW = 22;
const TOP = 56;
const LEFT = 110;
const LENGTH = 420;
const WIDTH = LEFT + LENGTH + 70;
const HEIGHT = TOP + ROW * JOINTS.length + 16;

/** Mean angles of the joints, degrees, in the order of `JOINTS`, as bars (SVG). */
export function jointChart(degrees: ArrayLike<number>, synthetic: boolean): string {
  const longest = Math.max(...Array.from(degrees), Number.MIN_VALUE);
  const bars = JOINTS.map(({ name, kind }, j) => {
    const length = ((LENGTH * degrees[j]!) / longest).toFixed(1);
    const y = TOP + ROW * j;
    return [
      `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y + 3}" width="${length}" height="${ROW - 7}" rx="2" fill="${COLORS[kind]}"/>`,
      `<text x="${LEFT + Number(length) + 6}" y="${y + 14}" fill="#64748b">${degrees[j]!.toFixed(2)}°</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#1f2937">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="15" font-weight="bold">Mean error of each joint${synthetic ? " (synthetic data)" : ""}</text>`,
    `<text x="16" y="44" fill="#64748b">blue: angle between rotations; green: difference of angles</text>`,
    ...bars,
    "</svg>\n",
  ].join("\n");
}

const COLORS = { root: "#2563eb", ball: "#2563eb", revolute: "#059669" } as const;
