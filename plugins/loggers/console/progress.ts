import { formatDuration } from "../../../core/metrics/rate.ts";

/** What a progress line shows. */
export interface Progress {
  readonly steps: number;
  /** Null when the run's length is not known. */
  readonly total: number | null;
  readonly stepsPerSecond: number | null;
  /** Latest values by short name: loss, lr, … */
  readonly values: Readonly<Record<string, number>>;
}

/** 1.23e-5, 0.0123, 12.3: four significant figures at most, no trailing noise. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** One line without a line break, cut to `columns` characters. The bar appears when the run's length is known. */
export function progressLine({ steps, total, stepsPerSecond, values }: Progress, columns: number): string {
  const parts: string[] = [];
  if (total !== null && total > 0) {
    const width = 20;
    const filled = Math.min(width, Math.floor((width * steps) / total));
    parts.push(`[${"=".repeat(filled)}${" ".repeat(width - filled)}]`, `${steps}/${total}`);
  } else parts.push(`step ${steps}`);
  if (stepsPerSecond !== null) {
    parts.push(`${formatNumber(stepsPerSecond)} steps/s`);
    if (total !== null) parts.push(`ETA ${formatDuration((total - steps) / stepsPerSecond)}`);
  }
  for (const [name, value] of Object.entries(values)) parts.push(`${name} ${formatNumber(value)}`);
  return parts.join("  ").slice(0, Math.max(1, columns - 1));
}
