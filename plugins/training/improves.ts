export type Mode = "min" | "max";

/** Whether `value` is better than `best` by more than `minDelta`. What is not finite never is; anything finite beats none. */
export function improves(value: number, best: number | null, mode: Mode, minDelta = 0): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === null) return true;
  return (mode === "min" ? best - value : value - best) > minDelta;
}
