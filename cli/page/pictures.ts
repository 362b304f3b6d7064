import type { Image, Media, Table, Text } from "../../core/metrics/media.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, extent, type Part, redrawn, section } from "./dom.ts";
import { grouped, number } from "./format.ts";

type Shown = Media & (Image | Table | Text);

/** Pictures, tables and texts that a run published, each with a slider over the steps it was published at. */
export function pictures(): Part {
  const chosen: Chosen = new Map();
  return redrawn(
    section("pictures", "Pictures"),
    (runs) => runs.map(({ name, media }) => [name, extent(shownOf(media))]),
    (runs) => {
      const cards = runs.flatMap((run) => cardsOf(run, runs.length, chosen));
      return cards.length === 0 ? [] : [el("div", { class: "pictures" }, ...cards)];
    },
  );
}

/** The steps that a person went back to, by the card's title; a card that is not in it follows the run. */
type Chosen = Map<string, number>;

const shownOf = (media: readonly Media[]): Shown[] => media.filter((item): item is Shown => item.kind !== "histogram");

function cardsOf({ name: run, media }: PageRun, of: number, chosen: Chosen): HTMLElement[] {
  const byName = Map.groupBy(shownOf(media), ({ name }) => name);
  return [...byName].map(([name, items]) => card(of === 1 ? name : `${run}: ${name}`, items, chosen));
}

function card(title: string, items: readonly Shown[], chosen: Chosen): HTMLElement {
  const stage = el("div", { class: "picture" });
  const step = el("output", {});
  const show = (index: number): void => {
    const item = items[index]!;
    stage.replaceChildren(drawn(title, item));
    step.textContent = `step ${grouped(item.step)}`;
  };
  const last = items.length - 1;
  const kept = items.findIndex((item) => item.step === chosen.get(title));
  const start = kept === -1 ? last : kept;
  const slider = el("input", {
    type: "range",
    min: 0,
    max: last,
    value: start,
    "aria-label": `${title}: which step`,
    input: () => {
      const index = Number(slider.value);
      if (index === last) chosen.delete(title);
      else chosen.set(title, items[index]!.step);
      show(index);
    },
  });
  show(start);
  const controls = el("div", { class: "toolbar" }, last === 0 ? null : slider, step);
  return el("figure", { class: "card" }, el("figcaption", {}, title), stage, controls);
}

function drawn(title: string, item: Shown): HTMLElement {
  switch (item.kind) {
    case "image":
      // As an image, a document inside runs no scripts and fetches nothing.
      return el("img", { alt: title, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(item.svg)}` });
    case "text":
      return el("pre", {}, item.text);
    case "table":
      return el(
        "div",
        { class: "scroll" },
        el(
          "table",
          {},
          el("thead", {}, el("tr", {}, ...item.columns.map((name) => el("th", { scope: "col" }, name)))),
          el("tbody", {}, ...item.rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, shown(cell)))))),
        ),
      );
  }
}

const shown = (cell: string | number | null): string => (typeof cell === "string" ? cell : number(cell));
