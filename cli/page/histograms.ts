import type { Histogram, Media } from "../../core/metrics/media.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, extent, type Part } from "./dom.ts";
import { grouped, number } from "./format.ts";
import { viridis } from "./theme.ts";

type Recorded = Media & Histogram;

/** How the values of one parameter, and those of its gradient, spread over training: darker is rarer. */
export function histograms(): Part {
  let runs: readonly PageRun[] = [];
  let paths: readonly string[] = [];
  let drawn = "";
  const body = el("div", { class: "charts" });
  const show = (): void => body.replaceChildren(...mapsOf(runs, select.value));
  // It stays in the page, so that it can be used while there is news.
  const select = el("select", { id: "parameter", change: show });
  const toolbar = el("div", { class: "toolbar" }, el("label", { for: "parameter" }, "Distribution of"), select);
  const element = el("div", { class: "histograms", hidden: true }, toolbar, body);
  return {
    element,
    update(given) {
      const key = JSON.stringify(given.map(({ name, media }) => [name, extent(ofKind(media))]));
      if (key === drawn) return;
      [runs, drawn] = [given, key];
      const found = [...new Set(runs.flatMap(({ media }) => ofKind(media).map(({ name }) => pathOf(name))))].sort();
      if (found.join("\n") !== paths.join("\n")) {
        const picked = select.value;
        select.replaceChildren(...found.map((path) => el("option", { value: path }, path)));
        if (found.includes(picked)) select.value = picked;
        paths = found;
      }
      element.hidden = found.length === 0;
      show();
    },
  };
}

/** `gradients/backbone.0.w` is of `backbone.0.w`. */
const pathOf = (name: string): string => name.slice(name.indexOf("/") + 1);

const ofKind = (media: readonly Media[]): Recorded[] =>
  media.filter((item): item is Recorded => item.kind === "histogram");

function mapsOf(runs: readonly PageRun[], path: string): HTMLElement[] {
  const recorded = runs.map((run) => ofKind(run.media).filter(({ name }) => pathOf(name) === path));
  const names = [...new Set(recorded.flatMap((items) => items.map(({ name }) => name)))];
  return names.flatMap((name) =>
    runs.flatMap((run, i) => {
      const items = recorded[i]!.filter((item) => item.name === name);
      const kind = name.slice(0, name.indexOf("/"));
      return items.length === 0 ? [] : [heatMap(runs.length === 1 ? kind : `${kind}, ${run.name}`, items)];
    }),
  );
}

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
