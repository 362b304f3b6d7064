import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { assemble } from "../core/assemble.ts";
import { useBackend } from "../core/engine/backend.ts";
import { openEngine } from "../core/engine/open.ts";
import { createMetricStream } from "../core/metrics/stream.ts";
import { adamW } from "../core/optimizer/adam.ts";
import type { Plugin } from "../core/plugin.ts";
import { createStream } from "../core/random.ts";
import { type Clock, clockAtStart } from "../core/run.ts";
import { createRunControl } from "../core/run-control.ts";
import { typescriptArguments } from "../core/worker-entry.ts";
import { wandb } from "../plugins/loggers/wandb/index.ts";
import { meanflow } from "../plugins/objectives/meanflow/index.ts";
import { ik } from "../plugins/tasks/ik/index.ts";
import { median, sample } from "./quiet.ts";

/*
 * npx tsx bench/loggers.ts [--rounds 12] [--seconds 8] [--every 1] [--width 128] [--batch 128]
 *
 * The time of a training step without wandb and with it: sending to a server that answers, to one that hangs, and to none.
 * Metrics are read and recorded every so many steps, by all alike. Each contender is a run of so many seconds, so that
 * what it sends, every 2 seconds, falls into its own time.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "12" },
    seconds: { type: "string", default: "8" },
    every: { type: "string", default: "1" },
    width: { type: "string", default: "128" },
    batch: { type: "string", default: "128" },
  },
});
const [every, width, batchSize] = [Number(values.every), Number(values.width), Number(values.batch)];
const log = { info: () => {}, warn: () => {} };

interface Stepper {
  step(): Promise<void>;
  stop(): Promise<void>;
}

const model = [ik({ network: { width, depth: 2, condition: width }, validationPoses: 1 }), meanflow()];
const limits = { seed: 0, steps: null, epochs: null, batchSize, accumulate: 1, learningRate: 1e-4, config: {} };

/** All contenders take the steps of one engine: a second one, of the same program, is up to 5 % slower or faster. */
const trained = await (async () => {
  await useBackend("auto");
  const { run } = createRunControl("bench", null);
  const assembly = assemble(model, adamW({ lr: 1e-4 }), {
    run,
    settings: limits,
    metrics: createMetricStream(log.warn),
    log,
  });
  const dataset = await assembly.task.dataset();
  const { batch } = await dataset.read({ epoch: 0, position: 0, seed: 0 }, batchSize);
  const engine = await openEngine("auto", "cpu", log);
  let state = assembly.initialState();
  return {
    async step(clock: Clock) {
      const inputs = { batch, scalars: assembly.scalarsAt(clock), random: createStream(0, "step", clock.batches) };
      const result = await engine.run(assembly.program, state, [inputs], null);
      state = result.state;
      return result;
    },
  };
})();

/** What the training loop does in a step, without data and checkpoints. */
async function startRun(plugins: readonly Plugin[]): Promise<Stepper> {
  const directory = await mkdtemp(join(tmpdir(), "mf-bench-"));
  const { run, setClock } = createRunControl("bench", directory);
  const metrics = createMetricStream(log.warn);
  const { hooks, dispose } = assemble([...model, ...plugins], adamW({ lr: 1e-4 }), {
    run,
    settings: limits,
    metrics,
    log,
  });
  let clock: Clock = clockAtStart;
  await hooks.onStart.promise({ clock, resumedFrom: null });
  return {
    async step() {
      const { skipped, read, readExposed } = await trained.step(clock);
      clock = { ...clock, steps: clock.steps + 1, batches: clock.batches + 1, samples: clock.samples + batchSize };
      setClock(clock);
      hooks.onStep.call({ clock, skipped, read, readExposed });
      if (clock.steps % every === 0) {
        const named = Object.entries(read()).map(([name, value]) => ({ name: `train/${name}`, value }));
        metrics.record(named.map((point) => ({ ...point, step: clock.steps, epoch: 0, split: "train" })));
      }
      // Sinks run between turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    },
    async stop() {
      await dispose();
      await rm(directory, { recursive: true });
    },
  };
}

async function server(behaviour: string): Promise<string> {
  const thread = new Worker(new URL("./wandb-server.ts", import.meta.url), {
    workerData: behaviour,
    execArgv: typescriptArguments(),
  });
  return new Promise<string>((resolve) => thread.once("message", resolve));
}

const contenders = [
  { name: "without wandb", url: null },
  { name: "a server that answers", url: await server("ok") },
  { name: "a server that hangs", url: await server("hang") },
  { name: "no server", url: "http://127.0.0.1:1" },
  // What differs without a reason.
  { name: "without wandb, again", url: null },
];
process.env["WANDB_API_KEY"] = "key";

/** Milliseconds a step takes in a run of its own: the median of its quiet samples. */
async function timed(url: string | null): Promise<number> {
  process.env["WANDB_BASE_URL"] = url ?? "";
  const { step, stop } = await startRun(url === null ? [] : [wandb()]);
  const begun = performance.now();
  // The sender's thread starts, once a run.
  while (performance.now() - begun < 2000) await step();
  const quiet: number[] = [];
  const start = performance.now();
  while (performance.now() - start < 1000 * Number(values.seconds) || quiet.length === 0) {
    const taken = await sample(step);
    if (taken.quiet) quiet.push(taken.step_ms);
  }
  await stop();
  return median(quiet);
}

/** By round and contender. The order changes from round to round, so that drift meets all alike. */
const rounds: number[][] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const times = new Array<number>(contenders.length);
  for (let i = 0; i < contenders.length; i++) {
    const at = (i + round) % contenders.length;
    times[at] = await timed(contenders[at]!.url);
  }
  rounds.push(times);
}
console.log("| | step, ms | ratio | ± |\n|---|--:|--:|--:|");
for (const [i, { name }] of contenders.entries()) {
  const ratios = rounds.map((round) => (2 * round[i]!) / (round[0]! + round.at(-1)!));
  const middle = median(ratios);
  const spread = median(ratios.map((ratio) => Math.abs(ratio - middle)));
  // Of a median, where errors are normal: 1.253 standard deviations over √n; 1.4826 median deviations are one.
  const error = (1.253 * 1.4826 * spread) / Math.sqrt(rounds.length);
  const step_ms = median(rounds.map((round) => round[i]!));
  console.log(`| ${name} | ${step_ms.toFixed(3)} | ${middle.toFixed(3)} | ${error.toFixed(3)} |`);
}
process.exit(0);
