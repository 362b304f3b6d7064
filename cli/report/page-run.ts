import type { Media } from "../../core/metrics/media.ts";
import { addRows, type Curves, thinned } from "../../core/report/curves.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import { readRun } from "../../core/report/record.ts";
import type { RunFolder } from "../../core/run-folder.ts";
import type { PageRun } from "./page-data.ts";

/** More points than a chart has pixels. */
const MOST_POINTS = 4000;
/** Of one name: so many are kept of what takes room, equally far apart. */
const MOST_PICTURES = 16;
const MOST_HISTOGRAMS = 120;

/** A run as the page shows it, read from its folder. */
export async function pageRun(folder: RunFolder, sections: readonly BuiltSection[]): Promise<PageRun> {
  const { status, rows, media } = await readRun(folder);
  const curves: Curves = {};
  addRows(curves, rows);
  const shown = Object.entries(curves).map(([name, curve]) => [name, thinned(curve, MOST_POINTS)] as const);
  return { name: folder.name, status, curves: Object.fromEntries(shown), media: thinnedMedia(media), sections };
}

/** Of each name so many items as a page can hold: the last one, and others before it equally far apart. */
export function thinnedMedia(media: readonly Media[]): Media[] {
  const byName = new Map<string, Media[]>();
  for (const item of media) byName.set(item.name, [...(byName.get(item.name) ?? []), item]);
  return [...byName.values()].flatMap((items) => {
    const most = items[0]!.kind === "histogram" ? MOST_HISTOGRAMS : MOST_PICTURES;
    const stride = Math.ceil(items.length / most);
    return items.filter((_, i) => (items.length - 1 - i) % stride === 0).map(rounded);
  });
}

/** Edges of histograms in a few digits: they are many. */
const rounded = (item: Media): Media =>
  item.kind === "histogram" ? { ...item, edges: item.edges.map((edge) => Number(edge.toPrecision(5))) } : item;
