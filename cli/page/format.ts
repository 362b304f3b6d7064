/** Four significant digits, thin spaces between thousands; powers of ten where a number is very small or large. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace("e+", "e");
  if (Number.isInteger(value)) return grouped(value);
  return size >= 1e4 ? grouped(Math.round(value)) : String(Number(value.toPrecision(4)));
}

export const grouped = (value: number): string => value.toLocaleString("en").replaceAll(",", "\u2009");

/** A metric's or a method's name as words: `val/position_error_mm` is "position error, mm". */
export function words(name: string): string {
  const short = name.replace(/^(train|val|system)\//, "");
  const [, base = short, unit, of] = /^(.*?)_(mm|deg|rad|m_per_s|mib|ms|s$)(?:_(.+))?$/.exec(short) ?? [];
  const plain = base.replaceAll("_", " ");
  const part = of === undefined ? "" : ` (${of.replaceAll("_", " ")})`;
  return unit === undefined ? plain : `${plain}${part}, ${UNITS[unit]}`;
}

const UNITS: Readonly<Record<string, string>> = {
  mm: "mm",
  deg: "°",
  rad: "rad",
  m_per_s: "m/s",
  mib: "MiB",
  s: "s",
  ms: "ms",
};
