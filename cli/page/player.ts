import { el } from "./dom.ts";
import { wantsStillness } from "./theme.ts";

/** What a player plays. */
export interface Clip {
  readonly title: string;
  readonly note: string;
  readonly interval_s: number;
  /** How many frames there are. */
  readonly length: number;
}

/** Draws a moment of a clip; `frame` lies between two frames where the clip is played. */
export type Draw = (clip: number, frame: number) => void;

const PAUSE_S = 0.9;

/** A stage with clips to choose from, a play button and a slider. Space plays, the arrows step. */
export function player(stage: HTMLElement, clips: readonly Clip[], draw: Draw): HTMLElement {
  let chosen = 0;
  let frame = 0;
  let rest = 0;
  let before: number | null = null;
  let playing = false;
  let visible = false;

  const button = el("button", { type: "button", class: "play", click: () => play(!playing) });
  const slider = el("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": "Frame",
    input: () => {
      play(false);
      show(Number(slider.value));
    },
  });
  const time = el("output", { class: "time" });
  const note = el("p", { class: "note" });
  const tabs = clips.map(({ title }, i) => el("button", { type: "button", click: () => choose(i) }, title));

  const clip = (): Clip => clips[chosen]!;
  const end = (): number => clip().length - 1;
  const show = (next: number): void => {
    frame = next;
    slider.value = String(Math.round(frame));
    time.textContent = `${(frame * clip().interval_s).toFixed(2)} s`;
    draw(chosen, frame);
  };
  const play = (on: boolean): void => {
    if (on && frame >= end()) show(0);
    if (on && !playing) before = null;
    playing = on;
    button.textContent = on ? "❚❚" : "▶";
    button.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on) requestAnimationFrame(tick);
  };
  const tick = (now: number): void => {
    if (!playing || !visible) return;
    const passed = before === null ? 0 : (now - before) / 1000;
    before = now;
    if (frame < end()) show(Math.min(end(), frame + passed / clip().interval_s));
    else {
      rest += passed;
      if (rest > PAUSE_S) {
        rest = 0;
        show(0);
      }
    }
    requestAnimationFrame(tick);
  };
  const choose = (index: number): void => {
    chosen = index;
    rest = 0;
    slider.max = String(end());
    note.textContent = clip().note;
    for (const [i, tab] of tabs.entries()) tab.setAttribute("aria-pressed", String(i === index));
    show(0);
  };
  const step = (by: number): void => {
    play(false);
    show(Math.min(end(), Math.max(0, Math.round(frame) + by)));
  };
  stage.tabIndex = 0;
  stage.addEventListener("keydown", (event) => {
    const act = { " ": () => play(!playing), ArrowRight: () => step(1), ArrowLeft: () => step(-1) }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
  choose(0);
  play(!wantsStillness());
  // What nobody sees is not drawn.
  new IntersectionObserver(([entry]) => {
    visible = entry!.isIntersecting;
    before = null;
    if (visible) requestAnimationFrame(tick);
  }).observe(stage);

  return el(
    "div",
    { class: "card player" },
    clips.length === 1 ? null : el("div", { class: "tabs", role: "group", "aria-label": "Clips" }, ...tabs),
    stage,
    el("div", { class: "toolbar" }, button, slider, time),
    note,
  );
}
