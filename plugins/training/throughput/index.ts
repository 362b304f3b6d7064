import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { intervalSchema } from "../../../core/when.ts";

/** Records how fast a run is, and what it takes of the machine, on an interval. */
export const throughput = definePlugin({
  name: "throughput",
  summary: "steps and samples a second, memory and cores in use, on an interval",
  options: z.strictObject({
    every: intervalSchema.default("100 steps").describe("how often they are recorded"),
  }),
  setup({ hooks, every, run, settings, metrics }, options) {
    if (run.rank !== 0) return;
    /** When the step before ended; null where something else than a step came after it. */
    let ended: number | null = null;
    let [steps, milliseconds] = [0, 0];
    let since = { time: performance.now(), cpu: process.cpuUsage() };
    const interrupt = (): void => {
      ended = null;
    };
    hooks.onValidate.tap("throughput", interrupt);
    hooks.onCheckpoint.tap("throughput", interrupt);
    hooks.onStep.tap("throughput", () => {
      const now = performance.now();
      if (ended !== null) [steps, milliseconds] = [steps + 1, milliseconds + now - ended];
      ended = now;
    });
    every(options.every, (clock) => {
      const now = { time: performance.now(), cpu: process.cpuUsage() };
      const { user, system } = process.cpuUsage(since.cpu);
      const values: Record<string, number> = {
        memory_mib: process.memoryUsage.rss() / 2 ** 20,
        busy_cores: (user + system) / 1000 / (now.time - since.time),
      };
      if (milliseconds > 0) {
        values["steps_per_second"] = (1000 * steps) / milliseconds;
        values["samples_per_second"] = values["steps_per_second"] * settings.batchSize * settings.accumulate;
      }
      since = now;
      [steps, milliseconds] = [0, 0];
      metrics.record(
        Object.entries(values).map(([name, value]) => ({
          name: `system/${name}`,
          value,
          step: clock.steps,
          epoch: clock.epochs,
          split: "system" as const,
        })),
      );
    });
  },
});
