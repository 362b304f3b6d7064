/** A metric over optimizer steps, which increase. A value that was not finite is null. */
export interface Curve {
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** By metric name. */
export type Curves = Readonly<Record<string, Curve>>;

/** A line of `metrics.jsonl`. */
export type MetricRow = Readonly<Record<string, number | null>> & { readonly step: number };

/** The curves of rows. A row of an earlier step takes the place of what came from there on. */
export function curvesOf(rows: readonly MetricRow[]): Curves {
  const curves: Record<string, { readonly steps: number[]; readonly values: (number | null)[] }> = {};
  for (const { step, epoch: _, ...metrics } of rows) {
    for (const [name, value] of Object.entries(metrics)) {
      curves[name] ??= { steps: [], values: [] };
      const curve = curves[name];
      while (curve.steps.length > 0 && curve.steps.at(-1)! >= step) {
        curve.steps.pop();
        curve.values.pop();
      }
      curve.steps.push(step);
      curve.values.push(value);
    }
  }
  return curves;
}

/** Curves with what was recorded after them: the curves of the rows of both. */
export function joined(before: Curves, after: Curves): Curves {
  const both = { ...before };
  for (const [name, { steps, values }] of Object.entries(after)) {
    const curve = before[name] ?? { steps: [], values: [] };
    const cut = curve.steps.findIndex((step) => step >= steps[0]!);
    const kept = cut === -1 ? curve.steps.length : cut;
    both[name] = {
      steps: [...curve.steps.slice(0, kept), ...steps],
      values: [...curve.values.slice(0, kept), ...values],
    };
  }
  return both;
}

/** The newest value of each metric. */
export const latest = (curves: Curves): Record<string, number | null> =>
  Object.fromEntries(Object.entries(curves).map(([name, { values }]) => [name, values.at(-1) ?? null]));

/**
 * A curve of at most about `most` points that looks the same: of each of `most / 2` stretches the smallest and the largest
 * value stay, at their steps, and both ends of the curve.
 */
export function thinned(curve: Curve, most: number): Curve {
  const count = curve.steps.length;
  if (count <= most) return curve;
  const stretches = Math.max(1, Math.floor(most / 2));
  const kept = new Set([0, count - 1]);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = Math.floor((stretch * count) / stretches);
    const to = Math.floor(((stretch + 1) * count) / stretches);
    let [low, high] = [from, from];
    for (let i = from + 1; i < to; i++) {
      const value = curve.values[i] ?? null;
      if (value === null) continue;
      if (value < (curve.values[low] ?? Number.POSITIVE_INFINITY)) low = i;
      if (value > (curve.values[high] ?? Number.NEGATIVE_INFINITY)) high = i;
    }
    kept.add(low).add(high);
  }
  const indices = [...kept].sort((a, b) => a - b);
  return { steps: indices.map((i) => curve.steps[i]!), values: indices.map((i) => curve.values[i]!) };
}

/**
 * Exponential moving average with the start corrected (Kingma & Ba 2015, section 3): m ← w·m + (1 − w)·x, shown as
 * m / (1 − wⁿ). Weight 0 changes nothing; a null stays null and is passed over.
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let [mean, share] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    share = weight * share + (1 - weight);
    return mean / share;
  });
}

/** A stretch of steps in which a metric named `…/stage` had one value. */
export interface Stage {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** The stages of a run, from its first metric named `…/stage`; none where there is no such metric. */
export function stagesOf(curves: Curves): Stage[] {
  const name = Object.keys(curves).find((metric) => metric.endsWith("/stage"));
  if (name === undefined) return [];
  const { steps, values } = curves[name]!;
  const stages: Stage[] = [];
  for (const [i, step] of steps.entries()) {
    const label = `stage ${values[i]}`;
    const last = stages.at(-1);
    if (last?.label === label) stages[stages.length - 1] = { ...last, to: step };
    else stages.push({ from: last?.to ?? 0, to: step, label });
  }
  return stages;
}
