import type { Histogram, Media } from "../../core/metrics/media.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, extent, type Part, redrawn } from "./dom.ts";
import { grouped, number } from "./format.ts";
import { viridis } from "./theme.ts";

type Recorded = Media & Histogram;

/** How the values of one parameter, and those of its gradient, spread over training: darker is rarer. */
export function histograms(): Part {
  let chosen: string | null = null;
  return redrawn(
    el("div", { class: "histograms" }),
    (runs) => runs.map(({ name, media }) => [name, extent(ofKind(media))]),
    (runs) => {
      const names = [...new Set(runs.flatMap(({ media }) => ofKind(media).map(({ name }) => name)))];
      const paths = [...new Set(names.map((name) => name.slice(name.indexOf("/") + 1)))].sort();
      if (paths.length === 0) return [];
      const picked = chosen !== null && paths.includes(chosen) ? chosen : paths[0]!;
      const body = el("div", { class: "charts" });
      const show = (path: string): void => {
        chosen = path;
        body.replaceChildren(...mapsOf(runs, names, path));
      };
      const options = paths.map((path) => el("option", { value: path, selected: path === picked }, path));
      const select = el("select", { id: "parameter", change: () => show(select.value) }, ...options);
      show(picked);
      return [el("div", { class: "toolbar" }, el("label", { for: "parameter" }, "Distribution of"), select), body];
    },
  );
}

const ofKind = (media: readonly Media[]): Recorded[] =>
  media.filter((item): item is Recorded => item.kind === "histogram");

const mapsOf = (runs: readonly PageRun[], names: readonly string[], path: string): HTMLElement[] =>
  names
    .filter((name) => name.slice(name.indexOf("/") + 1) === path)
    .flatMap((name) =>
      runs.flatMap((run) => {
        const items = ofKind(run.media).filter((item) => item.name === name);
        const kind = name.slice(0, name.indexOf("/"));
        return items.length === 0 ? [] : [heatMap(runs.length === 1 ? kind : `${kind}, ${run.name}`, items)];
      }),
    );

const ROWS = 96;

/** A column a histogram; the colour is the root of the share of values, so that tails are seen. */
function heatMap(title: string, items: readonly Recorded[]): HTMLElement {
  const low = Math.min(...items.map(({ edges }) => edges[0]!));
  const high = Math.max(...items.map(({ edges }) => edges.at(-1)!));
  const canvas = el("canvas", { width: items.length, height: ROWS, class: "heat" });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(items.length, ROWS);
  for (const [column, item] of items.entries()) {
    const densities = resampled(item, low, high);
    const largest = Math.max(...densities);
    for (const [row, density] of densities.entries()) {
      const at = 4 * ((ROWS - 1 - row) * items.length + column);
      image.data.set([...viridis(largest === 0 ? 0 : Math.sqrt(density / largest)), 255], at);
    }
  }
  context.putImageData(image, 0, 0);
  const [first, last] = [items[0]!.step, items.at(-1)!.step];
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${title}: values from ${number(low)} to ${number(high)}`);
  return el(
    "figure",
    { class: "card chart" },
    el("figcaption", {}, title),
    el(
      "div",
      { class: "heat-frame" },
      el("span", { class: "top" }, number(high)),
      el("span", { class: "bottom" }, number(low)),
      canvas,
      el("span", { class: "first" }, `step ${grouped(first)}`),
      el("span", { class: "last" }, grouped(last)),
    ),
  );
}

/** The density of values in `ROWS` equal bins from `low` to `high`. */
function resampled({ edges, counts }: Histogram, low: number, high: number): number[] {
  const size = (high - low) / ROWS || 1;
  let bin = 0;
  return Array.from({ length: ROWS }, (_, row) => {
    const middle = low + (row + 0.5) * size;
    while (bin < counts.length && edges[bin + 1]! < middle) bin++;
    if (bin === counts.length || middle < edges[0]!) return 0;
    return counts[bin]! / (edges[bin + 1]! - edges[bin]!);
  });
}
