import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { mapTree, subtree } from "../../../core/tree.ts";
import { warmDecay } from "./ema.ts";

/** Keeps an exponential moving average of the weights, which is evaluated, saved and exported in their place. */
export const ema = definePlugin({
  name: "ema",
  summary: "exponential moving average of the weights, evaluated and saved",
  options: z.strictObject({
    decay: z.number().min(0).lt(1).default(0.999).describe("share of the average that is kept each step"),
  }),
  setup({ hooks, slotTree, scalar, evaluationParams }, { decay }) {
    const average = slotTree("params", (params) => mapTree((p) => tf.clone(p), params));
    scalar("ema/decay", ({ steps }) => warmDecay(decay, steps));
    hooks.afterUpdate.tap("ema", (next, step) => {
      const keep = step.scalars["ema/decay"]!;
      const old = step.get(average);
      // a + (1 − d)·(p − a): one multiplication fewer than d·a + (1 − d)·p.
      const rate = tf.sub(1, keep);
      step.put(
        average,
        mapTree((p, path) => tf.add(old[path]!, tf.mul(rate, tf.sub(p, old[path]!))), next.params),
      );
      return next;
    });
    evaluationParams((state) => subtree(state.slots, average.path));
  },
});
