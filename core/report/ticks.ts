/** Round values from `low` to `high` inside, about `count` of them: multiples of 1, 2, 2.5 or 5 times a power of ten. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / Math.max(1, count);
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9))!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // A multiple, cut to the digits that the step has: 0.1 + 0.2 would not be 0.3.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten from `low` to `high` inside, with twice and five times them where there are few. */
export function logTicks(low: number, high: number): number[] {
  const exponents = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  );
  const inside = (factors: readonly number[]): number[] =>
    exponents
      .flatMap((exponent) => factors.map((factor) => Number(`${factor}e${exponent}`)))
      .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
  const tens = inside([1]);
  if (tens.length >= 3) return tens;
  const between = inside([1, 2, 5]);
  return between.length >= 3 ? between : linearTicks(low, high, 4);
}

/** Short enough for an axis: 12k, 0.05, 1e-4. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential().replace(/(\.\d\d)\d*/, "$1");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}
