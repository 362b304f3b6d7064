import type { Dataset } from "../../../core/data/dataset.ts";
import { arrayDataset, type ReadyDataset } from "../../../core/data/datasets.ts";
import { float32, type HostBatch } from "../../../core/data/host-tensor.ts";
import { emptyRows, gatherRows, rowCount } from "../../../core/data/rows.ts";
import type { Demonstration } from "./demonstrations.ts";
import { actionBox, type Normalizer, normalizedAction, observationAt } from "./normalizer.ts";

/**
 * A sample for each step of each episode: the observations of the step before and of the step itself, `observation`
 * `[M, 8·dims]`, and the step's `action` `[M, dims]`. The first step's window holds its observation twice. Normalised.
 */
export function windowSamples(demonstrations: readonly Demonstration[], normalizer: Normalizer): HostBatch {
  const size = normalizer.mean.length;
  const dims = size / 4;
  const count = stepCount(demonstrations);
  const observation = new Float32Array(count * 2 * size);
  const action = new Float32Array(count * dims);
  let row = 0;
  for (const demonstration of demonstrations) {
    let before: Float64Array | null = null;
    for (let step = 0; step < demonstration.steps; step++, row++) {
      const now = observationAt(demonstration, step).map(
        (x, k) => (x - normalizer.mean[k]!) / normalizer.deviation[k]!,
      );
      observation.set(before ?? now, 2 * row * size);
      observation.set(now, (2 * row + 1) * size);
      before = now;
      for (let d = 0; d < dims; d++) {
        action[row * dims + d] = normalizedAction(normalizer, demonstration.actions[step * dims + d]!, d);
      }
    }
  }
  return { observation: float32(observation, [count, 2 * size]), action: float32(action, [count, dims]) };
}

const stepCount = (demonstrations: readonly Demonstration[]): number =>
  demonstrations.reduce((sum, { steps }) => sum + steps, 0);

/**
 * The samples that the observations before do not tell: each episode's first, and those whose action differs from that of
 * the step before. Two positions and velocities give the last action away, and a network that repeats it is right at all
 * other steps, yet never sets off and never turns (the copycat problem; Wen et al. 2021 weight such keyframes).
 */
export function keyframes(demonstrations: readonly Demonstration[]): number[] {
  const rows: number[] = [];
  let row = 0;
  for (const { steps, actions, firstGoal } of demonstrations) {
    const dims = firstGoal.length;
    for (let step = 0; step < steps; step++, row++) {
      const at = step * dims;
      const differs = (d: number): boolean => actions[at + d] !== actions[at - dims + d];
      if (step === 0 || firstGoal.some((_, d) => differs(d))) rows.push(row);
    }
  }
  return rows;
}

function withCopies(samples: HostBatch, rows: readonly number[], copies: number): HostBatch {
  const count = rowCount(samples);
  const all = emptyRows(samples, count + rows.length * copies);
  gatherRows(all, 0, samples, count, (i) => i);
  gatherRows(all, count, samples, rows.length * copies, (i) => rows[i % rows.length]!);
  return all;
}

/**
 * Shuffled batches of window samples, with the box that actions are looked for in: `low` and `high` `[B, dims]`. The
 * normalizer is asked for at the first read, when a resumed run knows the one it was trained with. Keyframes are in the
 * data `times` times.
 */
export function demonstrationDataset(
  demonstrations: readonly Demonstration[],
  normalizer: () => Normalizer,
  times = 1,
): Dataset {
  const rows = keyframes(demonstrations);
  let samples: ReadyDataset | undefined;
  return {
    size: stepCount(demonstrations) + rows.length * (times - 1),
    read(cursor, batchSize) {
      samples ??= arrayDataset(withCopies(windowSamples(demonstrations, normalizer()), rows, times - 1));
      const { batch, next } = samples.read(cursor, batchSize);
      const { low, high } = actionBox(normalizer());
      return { batch: { ...batch, low: repeated(low, batchSize), high: repeated(high, batchSize) }, next };
    },
  };
}

const repeated = (row: readonly number[], times: number) =>
  float32(
    Float32Array.from({ length: times * row.length }, (_, i) => row[i % row.length]!),
    [times, row.length],
  );
