import { z } from "zod";
import { GradStage } from "../../../core/hooks.ts";
import type { Media } from "../../../core/metrics/media.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { subtree } from "../../../core/tree.ts";
import { histogramOf } from "./histogram.ts";

/** Publishes histograms of every parameter and of its gradient on an interval. */
export const histograms = definePlugin({
  name: "histograms",
  summary: "histograms of weights and gradients on an interval",
  options: z.strictObject({
    every: z.number().int().positive().default(1000).describe("steps between two"),
    bins: z.number().int().positive().max(1000).default(64).describe("bins of equal width"),
    weights: z.boolean().default(true).describe("of the parameters before the step"),
    gradients: z.boolean().default(true).describe("of the gradients before clipping"),
  }),
  setup({ hooks, run, fixed, metrics }, { every, bins, weights, gradients }) {
    if (run.rank !== 0) return;
    // A graph-shaping value, so that the steps in between pay nothing; an engine keeps both steps.
    const exposes = fixed("histograms/exposes", ({ steps }) => ((steps + 1) % every === 0 ? 1 : 0));
    hooks.afterBackward.tap({ name: "histograms", stage: GradStage.Measure }, (grads, step) => {
      if (exposes() === 0) return grads;
      if (gradients)
        for (const [path, grad] of Object.entries(grads)) step.expose(`histograms/gradients/${path}`, grad);
      if (weights)
        for (const [path, param] of Object.entries(step.params)) step.expose(`histograms/weights/${path}`, param);
      return grads;
    });
    hooks.onStep.tap("histograms", ({ clock, skipped, readExposed }) => {
      if (skipped || clock.steps % every !== 0) return;
      const items: Media[] = [];
      for (const [name, values] of Object.entries(subtree(readExposed(), "histograms"))) {
        const histogram = histogramOf(values, bins);
        if (histogram !== null) items.push({ name, step: clock.steps, epoch: clock.epochs, ...histogram });
      }
      metrics.publish(items);
    });
  },
});
