import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { createTimer, intervalSchema } from "../../../core/when.ts";

/** Publishes what the evaluators draw of the model, after validations. */
export const pictures = definePlugin({
  name: "pictures",
  summary: "pictures of what the model has learned, after validations",
  options: z.strictObject({
    every: intervalSchema.default("1 steps").describe("least time between two; a validation must be due too"),
  }),
  setup({ hooks, run, metrics, log }, { every }) {
    if (run.rank !== 0) return;
    let isDue = createTimer(every, run.clock, () => performance.now());
    let broken = false;
    hooks.onStart.tap("pictures", ({ clock }) => {
      isDue = createTimer(every, clock, () => performance.now());
    });
    hooks.onValidate.tap("pictures", async ({ clock, render }) => {
      if (broken || !isDue(clock)) return;
      try {
        const drawn = Object.entries(await render());
        metrics.publish(
          drawn.map(([file, svg]) => ({
            kind: "image",
            name: `val/${file.replace(/\.svg$/, "")}`,
            step: clock.steps,
            epoch: clock.epochs,
            svg,
          })),
        );
      } catch (error) {
        // A picture that cannot be drawn is no reason to lose what is trained.
        broken = true;
        log.warn(`pictures draws nothing in this run: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  },
});
