import type { PageRun } from "../report/page-data.ts";

type Child = Node | string | null;
type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>;

/** An element; attributes that are functions listen to the event of that name, false leaves an attribute out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A section of the page with its heading. */
export function section(id: string, title: string, ...children: readonly Child[]): HTMLElement {
  const heading = el("h2", { id: `${id}-title` }, title);
  return el("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

/** A part of the page that follows the runs. */
export interface Part {
  readonly element: HTMLElement;
  update(runs: readonly PageRun[]): void;
}

/** A part that is drawn anew when what `keyOf` takes from the runs has changed. */
export function redrawn(
  element: HTMLElement,
  keyOf: (runs: readonly PageRun[]) => unknown,
  draw: (runs: readonly PageRun[]) => readonly Child[],
): Part {
  let drawn: string | undefined;
  const [heading] = element.children;
  return {
    element,
    update(runs) {
      const key = JSON.stringify(keyOf(runs));
      if (key === drawn) return;
      drawn = key;
      const children = draw(runs).filter((child) => child !== null);
      element.replaceChildren(...(heading === undefined ? [] : [heading]), ...children);
      element.hidden = children.length === 0;
    },
  };
}

/** How many items there are, and up to which step: what changes when further ones come, also when others make room. */
export const extent = (items: readonly { readonly step: number }[]): readonly number[] => [
  items.length,
  items.reduce((last, { step }) => Math.max(last, step), 0),
];
