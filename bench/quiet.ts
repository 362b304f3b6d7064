import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Share of the cores that others may use while a sample is taken. */
const ALLOWED = 0.06;
/** The system counts busy time in hundredths of a second; a sample lasts long enough to tell `ALLOWED` of it from none. */
const SHORTEST_MS = 250;

/** Seconds all cores were busy since boot, by anyone, other guests of the host included; null where nobody tells. */
function busySeconds(): number | null {
  try {
    const [user, nice, system, , , irq, softirq, steal] = /^cpu +(.*)$/m
      .exec(readFileSync("/proc/stat", "utf8"))![1]!
      .split(" ")
      .map(Number);
    return (user! + nice! + system! + irq! + softirq! + steal!) / 100;
  } catch {
    return null;
  }
}

const ownSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export interface Span {
  readonly elapsed_ms: number;
  /** False when others used the cores meanwhile. */
  readonly quiet: boolean;
}

/** Runs `f`, times it, and tells whether the machine was otherwise idle. */
export async function span(f: () => Promise<void>): Promise<Span> {
  const [busy, own, start] = [busySeconds(), ownSeconds(), performance.now()];
  await f();
  const elapsed_ms = performance.now() - start;
  const busyAfter = busySeconds();
  const others = busy === null || busyAfter === null ? 0 : busyAfter - busy - (ownSeconds() - own);
  return { elapsed_ms, quiet: others <= (ALLOWED * cpus().length * elapsed_ms) / 1000 };
}

export interface Sample {
  /** Of one step. */
  readonly step_ms: number;
  /** A sample that is not does not count. */
  readonly quiet: boolean;
}

/** Times a step, repeated for as long as the system's clock needs. */
export async function sample(step: () => Promise<void>): Promise<Sample> {
  let steps = 0;
  const { elapsed_ms, quiet } = await span(async () => {
    const start = performance.now();
    while (performance.now() - start < SHORTEST_MS) {
      await step();
      steps += 1;
    }
  });
  return { step_ms: elapsed_ms / steps, quiet };
}

export interface Timing {
  /** Median of the quiet samples; of all of them when none was quiet. */
  readonly step_ms: number;
  readonly quiet: number;
  readonly noisy: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Threads that wait by spinning stop in this time. */
const SETTLE_MS = 100;
/** A contender slower than that gets fewer samples. */
const BUDGET_MS = 60_000;
const FEWEST = 3;

/**
 * Times several contenders, their samples taken in turn, so that whatever drifts meets them all alike. Noisy samples are
 * taken again, up to three times as many. A contender whose sample throws is out, and its error stands in its place.
 */
export async function interleaved(
  takers: readonly (() => Promise<Sample>)[],
  samples: number,
): Promise<readonly (Timing | Error)[]> {
  const taken = takers.map((take) => ({
    ...{ take, quiet: [] as number[], noisy: [] as number[], spent_ms: 0 },
    failure: null as Error | null,
  }));
  const wants = ({ quiet, noisy, spent_ms, failure }: (typeof taken)[number]): boolean => {
    const all = quiet.length + noisy.length;
    const affordable = spent_ms < BUDGET_MS || all < FEWEST;
    return failure === null && quiet.length < samples && all < 3 * samples && affordable;
  };
  while (taken.some(wants)) {
    for (const one of taken.filter(wants)) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const start = performance.now();
      try {
        const { step_ms, quiet } = await one.take();
        (quiet ? one.quiet : one.noisy).push(step_ms);
      } catch (error) {
        one.failure = error as Error;
      }
      one.spent_ms += performance.now() - start;
    }
  }
  return taken.map(
    ({ quiet, noisy, failure }) =>
      failure ?? {
        step_ms: median(quiet.length > 0 ? quiet : noisy),
        quiet: quiet.length,
        noisy: noisy.length,
      },
  );
}
