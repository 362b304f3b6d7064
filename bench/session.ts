import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Command } from "./command.ts";
import type { Sample, Span } from "./quiet.ts";

/** What a contender tells of itself after its first two steps. */
export interface Introduction {
  /** What computes, and on what. */
  readonly description: string;
  readonly parameters: number;
  /** Tracing and compiling included, starting the process not. */
  readonly firstTwoSteps: Span;
}

/** A contender's process, waiting to be asked for samples. */
export interface Session extends Introduction {
  /** Throws when the process has died. */
  sample(): Promise<Sample>;
  /** Largest resident set when the last sample was taken. */
  peakMemoryMb(): number;
  stop(): Promise<void>;
}

/** First steps that take longer are given up. */
const PATIENCE_S = 120;

/** Starts a contender. Throws what it wrote of an error when it dies, and when it takes too long. */
export async function openSession({ file, args, env }: Command): Promise<Session> {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: "pipe" });
  let errorOutput = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errorOutput += text;
  });
  const ended = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      reject(new Error(reasonIn(errorOutput) ?? `it ended with ${signal ?? `code ${code}`}`)),
    );
  });
  // Whoever waits for an answer learns of it; nobody does after `stop`.
  ended.catch(() => {});
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    return done ? ended : JSON.parse(value);
  };

  const patience = setTimeout(() => {
    errorOutput = `its first two steps take over ${PATIENCE_S} s`;
    child.kill("SIGKILL");
  }, 1000 * PATIENCE_S);
  const introduction = await next<Introduction>().finally(() => clearTimeout(patience));
  let peak_memory_mb = 0;
  return {
    ...introduction,
    async sample() {
      child.stdin.write("\n");
      const { peak_memory_mb: peak, ...sample } = await next<Sample & { peak_memory_mb: number }>();
      peak_memory_mb = peak;
      return sample;
    },
    peakMemoryMb: () => peak_memory_mb,
    async stop() {
      child.kill("SIGKILL");
      await ended.catch(() => {});
    },
  };
}

/** The last line that tells of an error, else the last: an interpreter writes its trace or its version after it or before. */
function reasonIn(errorOutput: string): string | undefined {
  const lines = errorOutput.split("\n").filter((line) => line.trim() !== "");
  return lines.findLast((line) => line.includes("Error")) ?? lines.at(-1);
}
