import type { Command } from "./command.ts";
import type { Contender } from "./contenders.ts";
import { interleaved, type Timing } from "./quiet.ts";
import { openSession, type Session } from "./session.ts";
import { flowMatchingOf, type Workload } from "./workloads.ts";

/** One contender on one workload. */
export interface Figures {
  readonly description: string;
  readonly parameters: number;
  readonly step_ms: number;
  /** Samples that count, and samples that others disturbed. */
  readonly quiet: number;
  readonly noisy: number;
  /** step_ms over that of the row's first. */
  readonly ratio: number;
  /** What the first two steps take beyond two later ones: tracing, compiling, verifying. */
  readonly startup_ms: number;
  readonly startup_quiet: boolean;
  /** Largest resident set of its process. */
  readonly peak_memory_mb: number;
}

export type Row = Workload & {
  readonly contenders: Readonly<Record<string, Figures>>;
  /** Why the others have no figures. */
  readonly missing: Readonly<Record<string, string>>;
  /** The first contender's step_ms over that of its flow matching, timed in turn with it; null where there is none. */
  readonly to_flow_matching: number | null;
};

/** Times every contender that runs on the workload, each in a process of its own. */
export async function measure(workload: Workload, contenders: readonly Contender[], samples: number): Promise<Row> {
  const missing: Record<string, string> = {};
  const open = async (name: string, command: () => Command): Promise<Session | null> => {
    try {
      return await openSession(command());
    } catch (error) {
      missing[name] = (error as Error).message;
      return null;
    }
  };
  const sessions: [name: string, session: Session][] = [];
  // One after the other: their first steps are timed too.
  for (const { name, command } of contenders) {
    const session = await open(name, () => command(workload));
    if (session !== null) sessions.push([name, session]);
  }
  const first = contenders.find(({ name }) => name === sessions[0]?.[0]);
  const flowMatching = flowMatchingOf(workload);
  const plain =
    first === undefined || flowMatching === null
      ? null
      : await open(`${first.name}, flow matching`, () => first.command(flowMatching));

  const all = [...sessions.map(([, session]) => session), ...(plain === null ? [] : [plain])];
  const timings = await interleaved(
    all.map(({ sample }) => sample),
    samples,
  );
  await Promise.all(all.map((session) => session.stop()));

  const figures: Record<string, Figures> = {};
  for (const [i, [name, session]] of sessions.entries()) {
    const timing = timings[i]!;
    if (timing instanceof Error) {
      missing[name] = timing.message;
      continue;
    }
    const { description, parameters, firstTwoSteps } = session;
    figures[name] = {
      ...{ description, parameters, ...timing },
      ratio: timing.step_ms / (Object.values(figures)[0]?.step_ms ?? timing.step_ms),
      startup_ms: Math.max(0, firstTwoSteps.elapsed_ms - 2 * timing.step_ms),
      startup_quiet: firstTwoSteps.quiet,
      peak_memory_mb: session.peakMemoryMb(),
    };
  }
  const to_flow_matching = plain === null ? null : ratioOf(timings[0], timings.at(-1));
  return { ...workload, contenders: figures, missing, to_flow_matching };
}

type Outcome = Timing | Error | undefined;

const ratioOf = (a: Outcome, b: Outcome): number | null =>
  a === undefined || a instanceof Error || b === undefined || b instanceof Error ? null : a.step_ms / b.step_ms;
