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
import { interleaved, sample } from "./quiet.ts";

/*
 * npx tsx bench/loggers.ts [--samples 25] [--every 1] [--width 128] [--batch 128]
 *
 * The time of a training step without wandb and with it: sending to a server that answers, to one that hangs, and to none.
 * Metrics are read and recorded every so many steps, by all alike.
 */
const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "25" },
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

/** What the training loop does in a step, without data and checkpoints. */
async function startRun(plugins: readonly Plugin[]): Promise<Stepper> {
  const directory = await mkdtemp(join(tmpdir(), "mf-bench-"));
  const { run, setClock } = createRunControl("bench", directory);
  const metrics = createMetricStream(log.warn);
  const network = { width, depth: 2, condition: width };
  const limits = { seed: 0, steps: null, epochs: null, batchSize, accumulate: 1, learningRate: 1e-4, config: {} };
  const around = { run, settings: limits, metrics, log };
  const assembly = assemble([ik({ network, validationPoses: 1 }), meanflow(), ...plugins], adamW({ lr: 1e-4 }), around);
  const dataset = await assembly.task.dataset();
  const { batch } = await dataset.read({ epoch: 0, position: 0, seed: 0 }, batchSize);
  const engine = await openEngine("auto", "cpu", log);
  let state = assembly.initialState();
  let clock: Clock = clockAtStart;
  await assembly.hooks.onStart.promise({ clock, resumedFrom: null });
  return {
    async step() {
      const inputs = { batch, scalars: assembly.scalarsAt(clock), random: createStream(0, "step", clock.batches) };
      const result = await engine.run(assembly.program, state, [inputs], null);
      state = result.state;
      clock = { ...clock, steps: clock.steps + 1, batches: clock.batches + 1, samples: clock.samples + batchSize };
      setClock(clock);
      const { skipped, read, readExposed } = result;
      assembly.hooks.onStep.call({ clock, skipped, read, readExposed });
      if (clock.steps % every === 0) {
        const named = Object.entries(result.read()).map(([name, value]) => ({ name: `train/${name}`, value }));
        metrics.record(named.map((point) => ({ ...point, step: clock.steps, epoch: 0, split: "train" })));
      }
      // Sinks run between turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    },
    async stop() {
      await engine.dispose();
      await assembly.dispose();
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
];
process.env["WANDB_API_KEY"] = "key";
await useBackend("auto");
const runs: Stepper[] = [];
for (const { url } of contenders) {
  process.env["WANDB_BASE_URL"] = url ?? "";
  const started = await startRun(url === null ? [] : [wandb()]);
  // Traces, checks what was traced, and warms up.
  for (let i = 0; i < 20; i++) await started.step();
  runs.push(started);
}
const timings = await interleaved(
  runs.map(
    ({ step }) =>
      () =>
        sample(step),
  ),
  Number(values.samples),
);
for (const started of runs) await started.stop();
console.log("| | step, ms | ratio | quiet samples | noisy |\n|---|--:|--:|--:|--:|");
const [first] = timings;
for (const [i, timing] of timings.entries()) {
  if (timing instanceof Error || first instanceof Error) throw timing;
  const ratio = timing.step_ms / first!.step_ms;
  const cells = [timing.step_ms.toFixed(3), ratio.toFixed(3), timing.quiet, timing.noisy];
  console.log(`| ${contenders[i]!.name} | ${cells.join(" | ")} |`);
}
process.exit(0);
