import { z } from "zod";
import { createRate } from "../../../core/metrics/rate.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { formatNumber, progressLine } from "./progress.ts";

const redrawMilliseconds = 100;
/** What the progress line shows of the training metrics, by short name. */
const shown: Readonly<Record<string, string>> = { "train/loss": "loss", "train/lr": "lr" };

/** Progress for a person, on standard error: a bar on a terminal, plain lines elsewhere. */
export const consoleProgress = definePlugin({
  name: "console",
  summary: "progress: a bar on a terminal, plain lines in CI",
  options: z.strictObject({
    everySeconds: z.number().positive().default(10).describe("plain lines: seconds between two"),
  }),
  setup({ hooks, run, settings, metrics, onDispose }, { everySeconds }) {
    if (run.directory === null || run.rank !== 0) return;
    const out = process.stderr;
    const bar = out.isTTY === true && process.env["CI"] === undefined;
    const rate = createRate(() => performance.now());
    const values: Record<string, number> = {};
    let drawn = 0;

    const clear = (): void => void (bar && out.write("\r\x1b[2K"));
    const draw = (steps: number): void => {
      drawn = performance.now();
      const progress = { steps, total: settings.steps, stepsPerSecond: rate.stepsPerSecond(), values };
      if (bar) out.write(`\r\x1b[2K${progressLine(progress, out.columns || 80)}`);
      else out.write(`${progressLine(progress, 200)}\n`);
    };
    metrics.points.subscribe(({ name, value }) => {
      const short = shown[name];
      if (short !== undefined) values[short] = value;
    });
    hooks.onStep.tap("console", ({ clock }) => {
      rate.tick();
      if (performance.now() - drawn >= (bar ? redrawMilliseconds : everySeconds * 1000)) draw(clock.steps);
    });
    hooks.onValidate.tap("console", ({ clock, metrics: measured }) => {
      clear();
      const text = Object.entries(measured)
        .filter(([name]) => !/_(median|p95)$/.test(name))
        .map(([name, value]) => `${name} ${formatNumber(value)}`)
        .join("  ");
      if (text !== "") out.write(`step ${clock.steps}: ${text}\n`);
    });
    hooks.onFinish.tap("console", ({ outcome, reason, clock }) => {
      clear();
      // What failed is told by who catches it.
      out.write(`${outcome} at step ${clock.steps}${outcome === "failed" ? "" : `: ${reason}`}\n`);
    });
    onDispose(clear);
  },
});
