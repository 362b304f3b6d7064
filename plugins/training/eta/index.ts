import { z } from "zod";
import { createRate, formatDuration } from "../../../core/metrics/rate.ts";
import { definePlugin } from "../../../core/plugin.ts";

/** Estimates how long the run will take, from its first hundred steps on. */
export const eta = definePlugin({
  name: "eta",
  summary: "estimate of the training time after the first steps",
  options: z.strictObject({
    after: z.number().int().min(2).default(100).describe("steps after which the estimate is told"),
  }),
  setup({ hooks, settings, log }, { after }) {
    const rate = createRate(() => performance.now());
    let seen = 0;
    hooks.onStep.tap("eta", ({ clock }) => {
      rate.tick();
      seen += 1;
      if (seen !== after || settings.steps === null || settings.steps <= clock.steps) return;
      const speed = rate.stepsPerSecond();
      if (speed === null) return;
      const remaining = (settings.steps - clock.steps) / speed;
      log.info(`About ${formatDuration(remaining)} to go (${speed.toFixed(1)} steps/s).`);
    });
  },
});
