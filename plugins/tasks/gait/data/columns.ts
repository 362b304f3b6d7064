/** What columns of numbers hold, each for itself: ranges of finite values, and how many are not or lie out of bounds. */
export interface Columns {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly nan: Float64Array;
  readonly infinite: Float64Array;
  readonly below: Float64Array;
  readonly above: Float64Array;
}

/** Where values should lie; open on both sides for a column without bounds. */
export interface Bounds {
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

export const noBounds = (width: number): Bounds => ({
  lowest: new Float64Array(width).fill(Number.NEGATIVE_INFINITY),
  highest: new Float64Array(width).fill(Number.POSITIVE_INFINITY),
});

export const emptyColumns = (width: number): Columns => ({
  min: new Float64Array(width).fill(Number.POSITIVE_INFINITY),
  max: new Float64Array(width).fill(Number.NEGATIVE_INFINITY),
  nan: new Float64Array(width),
  infinite: new Float64Array(width),
  below: new Float64Array(width),
  above: new Float64Array(width),
});

/** Adds rows, `[n, width]`. */
export function addRows(into: Columns, values: ArrayLike<number>, { lowest, highest }: Bounds): void {
  const { min, max, nan, infinite, below, above } = into;
  const width = min.length;
  for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === width ? 0 : j + 1) {
    const value = values[i]!;
    if (value - value !== 0) {
      if (Number.isNaN(value)) nan[j]!++;
      else infinite[j]!++;
      continue;
    }
    if (value < min[j]!) min[j] = value;
    if (value > max[j]!) max[j] = value;
    if (value < lowest[j]!) below[j]!++;
    if (value > highest[j]!) above[j]!++;
  }
}

/** Adds what was found in other rows of the same columns. */
export function addColumns(into: Columns, other: Columns): void {
  for (let j = 0; j < into.min.length; j++) {
    into.min[j] = Math.min(into.min[j]!, other.min[j]!);
    into.max[j] = Math.max(into.max[j]!, other.max[j]!);
    for (const count of ["nan", "infinite", "below", "above"] as const) into[count][j]! += other[count][j]!;
  }
}

export const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);

/** Null where no value was finite. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
