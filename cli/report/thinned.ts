import type { Media } from "../../core/metrics/media.ts";
import { type Curves, thinned } from "../../core/report/curves.ts";

/** More points than a chart has pixels. */
const MOST_POINTS = 4000;
/** Of one name: so many are kept of what takes room. */
const MOST_PICTURES = 16;
const MOST_HISTOGRAMS = 120;

/** Curves of so many points as a chart can show. A curve that grows is thinned only when it has twice as many. */
export const thinnedCurves = (curves: Curves, { growing = false } = {}): Curves =>
  Object.fromEntries(
    Object.entries(curves).map(([name, curve]) => {
      const isLong = curve.steps.length > (growing ? 2 : 1) * MOST_POINTS;
      return [name, isLong ? thinned(curve, MOST_POINTS) : curve];
    }),
  );

/**
 * Of each name so many items as a page can hold: the last one, and others about equally many steps apart. Thinned again
 * with what came later, they are what thinning all at once gives.
 */
export function thinnedMedia(media: readonly Media[]): Media[] {
  const byName = new Map<string, Media[]>();
  for (const item of media) {
    const items = byName.get(item.name);
    if (items === undefined) byName.set(item.name, [item]);
    else items.push(item);
  }
  return [...byName.values()].flatMap((items) => thinnedItems(items).map(rounded));
}

function thinnedItems(items: readonly Media[]): readonly Media[] {
  const most = items[0]!.kind === "histogram" ? MOST_HISTOGRAMS : MOST_PICTURES;
  const last = items.at(-1)!;
  // A power of two, so that the first of a stretch was the first of a shorter one before.
  const stretch = 2 ** Math.ceil(Math.log2(Math.max(1, last.step / most)));
  const stretchOf = ({ step }: Media): number => Math.floor(step / stretch);
  return items.filter((item, i) => i === 0 || item === last || stretchOf(item) !== stretchOf(items[i - 1]!));
}

/** Edges of histograms in a few digits: they are many. */
const rounded = (item: Media): Media =>
  item.kind === "histogram" ? { ...item, edges: item.edges.map((edge) => Number(edge.toPrecision(5))) } : item;
