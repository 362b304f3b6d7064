/** A colour of the stylesheet, which differs between light and dark. */
export const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const RUN_COLORS = 8;

/** The colour of the run at this place in the list. */
export const runColor = (index: number): string => color(`run-${index % RUN_COLORS}`);

export const runColorName = (index: number): string => `var(--run-${index % RUN_COLORS})`;

const dark = matchMedia("(prefers-color-scheme: dark)");

export const onThemeChange = (act: () => void): void => dark.addEventListener("change", act);

export const wantsStillness = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Five colours of viridis (van der Walt & Smith 2015), dark to bright. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/** Viridis at a share of 0 to 1. */
export function viridis(share: number): readonly [red: number, green: number, blue: number] {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const from = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const mix = (k: 0 | 1 | 2): number => VIRIDIS[from]![k] + (VIRIDIS[from + 1]![k] - VIRIDIS[from]![k]) * (at - from);
  return [mix(0), mix(1), mix(2)];
}
