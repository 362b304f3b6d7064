import type { BuiltSection, Figure } from "../../core/report/figure.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, type Part, section } from "./dom.ts";
import { figure2d } from "./figure2d.ts";
import { scene3d } from "./scene3d.ts";

/** What the trained models do. `ask` fetches the figures of the newest checkpoint, while a run trains. */
export function figures(ask: (() => Promise<readonly BuiltSection[]>) | null): Part {
  const body = el("div");
  const element = section("figures", "What it does", body);
  const said = el("span", { class: "hint", role: "status" });
  const button = el("button", { type: "button" }, "Draw the newest checkpoint");
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "Asking the model…";
    try {
      body.replaceChildren(...(await ask!()).flatMap((built) => drawn(built, null)));
      said.textContent = "";
    } catch (error) {
      said.textContent = (error as Error).message;
    }
    button.disabled = false;
  });
  if (ask !== null) element.append(el("div", { class: "toolbar" }, button, said));
  let isDrawn = false;
  return {
    element,
    update(runs) {
      const given = runs.flatMap((run) => run.sections.flatMap((built) => drawn(built, runs.length > 1 ? run : null)));
      if (!isDrawn && given.length > 0) body.replaceChildren(...given);
      isDrawn ||= given.length > 0;
      element.hidden = !isDrawn && ask === null;
    },
  };
}

const drawn = ({ title, figure }: BuiltSection, run: PageRun | null): HTMLElement[] => [
  el("h3", {}, run === null ? title : `${title}: ${run.name}`),
  draw(figure),
];

function draw(figure: Figure): HTMLElement {
  switch (figure.kind) {
    case "scene3d":
      return scene3d(figure);
    case "figure2d":
      return figure2d(figure);
  }
}
