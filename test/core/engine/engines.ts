import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { z } from "zod";
import { snapshot } from "../../../core/checkpoint/snapshot.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";
import type { Engine } from "../../../core/engine/engine.ts";
import { createGraphEngine } from "../../../core/engine/graph.ts";
import { openRuntime } from "../../../core/graph/runtime/runtime.ts";
import { adamW } from "../../../core/optimizer/adam.ts";
import { definePlugin, type Plugin, type PluginContext } from "../../../core/plugin.ts";
import { type Bench, type BenchOptions, createBench } from "../../../core/testing/index.ts";
import type { Tree } from "../../../core/tree.ts";
import { ema } from "../../../plugins/training/ema/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";

/** A plugin that is its setup. */
export const plugin = (name: string, setup: (context: PluginContext) => void): Plugin =>
  definePlugin({ name, summary: "", options: z.strictObject({}), setup })();

export const openGraph = async (api: "auto" | "node" | "c" = "auto"): Promise<Engine> =>
  createGraphEngine(await openRuntime({ api, threads: 1 }));

export interface Trained {
  /** Of each step. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  /** Whether each step was skipped. */
  readonly skipped: readonly boolean[];
  /** The state's values by path. */
  readonly state: Readonly<Record<string, readonly number[]>>;
}

export const valuesOf = (bench: Bench): Trained["state"] =>
  Object.fromEntries(
    Object.entries(snapshot(bench.state)).map(([path, { data }]) => [path, Array.from(data as Float32Array)]),
  );

/** Steps on the toy task, or on the task among the plugins. `make` makes the plugins anew. */
export async function trained(
  engine: Engine,
  make: () => Plugin | readonly Plugin[],
  steps: number,
  options: BenchOptions & { readonly start?: () => Tree } = {},
): Promise<Trained> {
  const start = options.start?.();
  const bench = createBench(make(), start, { targets: [1, -2, 0.5, 3], ...options, engine });
  for (const t of Object.values(start ?? {}) as tf.Tensor[]) t.dispose();
  const [metrics, skipped]: [Record<string, number>[], boolean[]] = [[], []];
  try {
    for (let i = 0; i < steps; i++) {
      const before = bench.clock.skipped;
      metrics.push(await bench.step());
      skipped.push(bench.clock.skipped > before);
    }
    return { metrics, skipped, state: valuesOf(bench) };
  } finally {
    await bench.dispose();
  }
}

/** Equal up to `tolerance`, relative above 1 and absolute below. */
export function expectAlike(actual: Trained, expected: Trained, tolerance = 1e-6): void {
  expect(actual.skipped).toEqual(expected.skipped);
  const close = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>, what: string): void => {
    expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
    for (const [name, wanted] of Object.entries(b)) {
      const error = Math.abs(a[name]! - wanted) / Math.max(1, Math.abs(wanted));
      const same = Object.is(a[name], wanted) || error <= tolerance;
      expect(same, `${what}, ${name}: ${a[name]} instead of ${wanted}`).toBe(true);
    }
  };
  for (const [i, metrics] of expected.metrics.entries()) close(actual.metrics[i]!, metrics, `step ${i + 1}`);
  const byIndex = (values: readonly number[]): Record<string, number> => Object.fromEntries(values.entries());
  for (const [path, values] of Object.entries(expected.state))
    close(byIndex(actual.state[path]!), byIndex(values), path);
}

/** Trains on both engines and compares. */
export async function expectBothAlike(
  make: () => Plugin | readonly Plugin[],
  steps = 4,
  options: Parameters<typeof trained>[3] = {},
  tolerance = 1e-6,
): Promise<Trained> {
  const graph = await trained(await openGraph(), make, steps, options);
  expectAlike(graph, await trained(createEagerEngine(), make, steps, options), tolerance);
  return graph;
}

/** Writes slots in each hook that may, from draws, and reports. */
const busy = (): Plugin =>
  plugin("busy", ({ hooks, slot }) => {
    const seen = slot("seen", () => tf.zeros([2]));
    const norm = slot("norm", () => tf.scalar(0));
    const steps = slot("steps", () => tf.scalar(0, "int32"));
    hooks.beforeStep.tap("busy", (batch, step) => {
      const now = tf.add(tf.mul(step.get(seen), 0.9), tf.mul(step.random.normal([2]), tf.mean(batch["target"]!)));
      step.put(seen, now);
      step.report("seen", tf.sum(now) as tf.Scalar);
      return { target: tf.add(batch["target"]!, tf.mul(0.1, tf.sum(now))) };
    });
    hooks.afterBackward.tap("busy", (grads, step) => {
      const square = tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g)))) as tf.Scalar;
      step.put(norm, tf.add(step.get(norm), tf.sqrt(square)));
      return grads;
    });
    hooks.afterUpdate.tap("busy", (next, step) => {
      step.put(steps, tf.add(step.get(steps), tf.scalar(1, "int32")));
      return next;
    });
  });

/** Averaging, clipping, and slots that change before, between and after. */
export const everything = (): Plugin[] => [ema({ decay: 0.9 }), gradClip({ maxNorm: 1 }), busy()];

/** AdamW on a matrix, a vector and a scalar. */
export const onThree = (accumulate = 1) => ({
  settings: { accumulate },
  optimizer: adamW({ lr: 0.05 }),
  start: (): Tree => ({
    kernel: tf.tensor2d([0.5, -1, 2, 0.1, 3, -0.2], [2, 3]),
    bias: tf.tensor1d([0.3, 0, -1]),
    scale: tf.scalar(1.5),
  }),
});
