import { changesBetween } from "../../core/config/changes.ts";
import type { Json } from "../../core/json.ts";
import type { PageRun } from "../report/page-data.ts";
import { el, type Part, redrawn, section } from "./dom.ts";
import { runColorName } from "./theme.ts";

/** The configuration of each run as a tree, and where several differ. */
export const configuration = (): Part =>
  redrawn(
    section("configuration", "Configuration"),
    (runs) => runs.map(({ name, status }) => [name, status.config]),
    (runs) => [differences(runs), ...runs.map((run, i) => named(run, i, runs.length, run.status.config))],
  );

/** Where each run was trained. */
export const environment = (): Part =>
  redrawn(
    section("environment", "Environment"),
    (runs) => runs.map(({ name, status }) => [name, status.environment]),
    (runs) =>
      runs
        .map((run, i) => [run, i] as const)
        .filter(([{ status }]) => Object.keys(status.environment as object).length > 0)
        .map(([run, i]) => named(run, i, runs.length, run.status.environment)),
  );

function named({ name }: PageRun, index: number, of: number, value: Json): HTMLElement {
  const tree = el("div", { class: "tree" }, ...branches(value));
  if (of === 1) return el("div", { class: "card" }, tree);
  const dot = el("span", { class: "dot", style: `--run: ${runColorName(index)}` });
  return el("details", { class: "card" }, el("summary", {}, dot, name), tree);
}

function branches(value: Json): HTMLElement[] {
  return Object.entries(value as Readonly<Record<string, Json>>).map(([key, inner]) =>
    isObject(inner) && Object.keys(inner).length > 0
      ? el("details", { open: true }, el("summary", {}, key), ...branches(inner))
      : el("div", { class: "leaf" }, el("span", { class: "key" }, key), el("code", {}, shown(inner))),
  );
}

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A plain value as it is written; numbers without the noise of their last digits. */
const shown = (value: Json): string =>
  typeof value === "number"
    ? String(Number(value.toPrecision(7)))
    : typeof value === "string"
      ? value
      : JSON.stringify(value);

/** A row for each setting that is not the same in all runs. */
function differences(runs: readonly PageRun[]): HTMLElement | null {
  if (runs.length < 2) return null;
  const changes = runs.map(({ status }) => changesBetween(runs[0]!.status.config, status.config));
  const keys = [...new Set(changes.flatMap((change) => Object.keys(change)))];
  if (keys.length === 0) return el("p", { class: "card" }, "The runs have the same configuration.");
  const settingOf = (key: string, i: number): Json =>
    changes[i]![key]?.after ?? changes.find((change) => key in change)![key]!.before;
  return el(
    "div",
    { class: "card scroll" },
    el(
      "table",
      { class: "diff" },
      el("caption", {}, "Settings that differ"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "setting"),
          ...runs.map(({ name }, i) =>
            el("th", { scope: "col" }, el("span", { class: "dot", style: `--run: ${runColorName(i)}` }), name),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        ...keys.map((key) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, key),
            ...runs.map((_, i) => el("td", {}, el("code", {}, shown(settingOf(key, i))))),
          ),
        ),
      ),
    ),
  );
}
