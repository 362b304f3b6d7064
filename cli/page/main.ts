import type { PageData, PageRun } from "../report/page-data.ts";
import { configuration, environment } from "./config.ts";
import { curves } from "./curves.ts";
import { el, type Part } from "./dom.ts";
import { figures } from "./figures.ts";
import { askForFigures, type Connection, follow } from "./live.ts";
import { pictures } from "./pictures.ts";
import { results } from "./results.ts";
import { summary } from "./summary.ts";

const WORDS: Readonly<Record<Connection, string>> = {
  connecting: "connecting…",
  live: "live",
  lost: "connection lost, trying again…",
};

const data = JSON.parse(document.getElementById("data")!.textContent!) as PageData;
const status = el("span", { class: "chip", role: "status" });
const written = new Date(data.written).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

const parts: readonly Part[] = [
  summary(),
  figures(data.live ? askForFigures : null),
  curves(),
  results(),
  pictures(),
  configuration(),
  environment(),
];
document.body.append(
  el(
    "header",
    { class: "page" },
    el("h1", {}, el("span", { class: "mark", "aria-hidden": true }), "MotionForge"),
    data.live ? status : el("span", { class: "hint" }, `report of ${written}`),
  ),
  el("main", {}, ...parts.map(({ element }) => element)),
  el("footer", { class: "hint" }, `MotionForge ${data.version}`),
);

const show = (runs: readonly PageRun[]): void => {
  document.title = `${runs.map(({ name }) => name).join(", ")} · MotionForge`;
  for (const part of parts) part.update(runs);
};
show(data.runs);

if (data.live) {
  let waiting: PageRun | null = null;
  follow(
    (run) => {
      // Several pieces of news may come before the browser draws.
      if (waiting === null) requestAnimationFrame(draw);
      waiting = run;
    },
    (connection) => {
      status.textContent = WORDS[connection];
      status.className = `chip ${connection}`;
    },
  );
  const draw = (): void => {
    const run = waiting!;
    waiting = null;
    show([run]);
  };
}
