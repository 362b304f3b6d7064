import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Seconds all cores were busy since boot, by anyone; null where the system does not tell. */
function busySeconds(): number | null {
  try {
    const [user, nice, system, , , irq, softirq] = /^cpu +(.*)$/m
      .exec(readFileSync("/proc/stat", "utf8"))![1]!
      .split(" ")
      .map(Number);
    return (user! + nice! + system! + irq! + softirq!) / 100;
  } catch {
    return null;
  }
}

const ownSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Share of the cores that other processes may use while a sample is taken. */
const allowed = 0.06;

export interface Sample {
  readonly milliseconds: number;
  /** False when other processes used the cores meanwhile; such a sample does not count. */
  readonly quiet: boolean;
}

/** Times one call, and tells whether the machine was otherwise idle. */
export async function sample(f: () => Promise<unknown> | unknown): Promise<Sample> {
  const [busy, own, start] = [busySeconds(), ownSeconds(), performance.now()];
  await f();
  const milliseconds = performance.now() - start;
  const busyAfter = busySeconds();
  if (busy === null || busyAfter === null) return { milliseconds, quiet: true };
  const others = busyAfter - busy - (ownSeconds() - own);
  // The system counts in hundredths of a second: too coarse to judge a shorter sample by more than that.
  return { milliseconds, quiet: others <= Math.max(0.03, (allowed * cpus().length * milliseconds) / 1000) };
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * Medians of several functions, their samples taken in turn, so that whatever drifts meets them all alike. Noisy samples
 * are taken again, up to three times as many.
 */
export async function interleaved(
  contenders: Readonly<Record<string, () => Promise<unknown> | unknown>>,
  samples: number,
): Promise<Record<string, { median_ms: number; samples: number; noisy: number }>> {
  const taken = Object.keys(contenders).map((name) => ({ name, quiet: [] as number[], noisy: [] as number[] }));
  for (const { name } of taken) await contenders[name]!();
  for (let round = 0; round < 3 * samples && taken.some((t) => t.quiet.length < samples); round++) {
    for (const t of taken) {
      const { milliseconds, quiet } = await sample(contenders[t.name]!);
      (quiet ? t.quiet : t.noisy).push(milliseconds);
    }
  }
  return Object.fromEntries(
    taken.map(({ name, quiet, noisy }) => [
      name,
      { median_ms: median(quiet.length > 0 ? quiet : noisy), samples: quiet.length, noisy: noisy.length },
    ]),
  );
}
