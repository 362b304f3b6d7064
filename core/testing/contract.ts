import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { snapshot } from "../checkpoint/snapshot.ts";
import { type BackendName, useBackend } from "../engine/backend.ts";
import { openEngine } from "../engine/open.ts";
import { errors, isMfError } from "../errors.ts";
import type { Plugin } from "../plugin.ts";
import type { Clock } from "../run.ts";
import type { Tree } from "../tree.ts";
import { type Bench, type BenchOptions, createBench } from "./bench.ts";

export interface ContractOptions extends Omit<BenchOptions, "engine"> {
  /** Where the toy task starts; not for plugins that bring a task. */
  readonly start?: () => Tree;
  /** What each validation of the checks reports. */
  readonly validation?: Readonly<Record<string, number>>;
  readonly backend?: BackendName;
  /** What runs the steps; `graph` needs onnxruntime-node and the wasm backend. */
  readonly engine?: "eager" | "graph";
}

export interface ContractCheck {
  /** What the check finds out, as a sentence. */
  readonly title: string;
  /** Rejects when the plugin does not keep the promise. */
  run(): Promise<void>;
}

/**
 * The promises that every plugin makes, as checks for any test runner:
 *
 *     for (const check of contractChecks(() => mine())) test(check.title, check.run);
 *
 * `make` returns a fresh plugin, or one with the plugins it needs; the first is the one under test.
 */
export function contractChecks(
  make: () => Plugin | readonly Plugin[],
  options: ContractOptions = {},
): readonly ContractCheck[] {
  const { validation = { "val/loss": 1 }, engine = "eager", start } = options;
  const { backend = engine === "graph" ? "wasm" : "cpu" } = options;
  const open = async (plugins: Plugin | readonly Plugin[] = make()): Promise<Bench> => {
    const from = start?.();
    const opened = await openEngine(engine, "cpu", { info: () => {}, warn: () => {} });
    const bench = createBench(plugins, from, { ...options, engine: opened });
    for (const t of Object.values(from ?? {})) t.dispose();
    return bench;
  };
  const firstOf = (): Plugin => ([make()].flat() as Plugin[])[0]!;
  const check = (title: string, f: () => Promise<void>): ContractCheck => ({
    title,
    async run() {
      await useBackend(backend);
      await f();
    },
  });

  return [
    check("constructing does nothing, and what is made cannot be changed", async () => {
      const tensors = tf.memory().numTensors;
      const resources = process.getActiveResourcesInfo().length;
      const plugin = firstOf();
      assert.equal(tf.memory().numTensors, tensors, "constructing made tensors");
      assert.equal(process.getActiveResourcesInfo().length, resources, "constructing opened something");
      assert.ok(Object.isFrozen(plugin) && Object.isFrozen(plugin.options), "the plugin is not frozen");
    }),

    check("an unknown option is refused where it is written", async () => {
      assert.throws(
        () => firstOf().with({ noSuchOption: 1 }),
        (e) => isMfError(e) && e.code === "MF_OPTION",
      );
    }),

    check("the same inputs give the same outputs", async () => {
      assert.deepEqual(await trace(await open(), validation), await trace(await open(), validation));
    }),

    check("two runs of one plugin share no state", async () => {
      const shared = make();
      const first = await open(shared);
      const second = await open(shared);
      await first.steps(3);
      await first.validate(validation);
      const traced = await trace(second, validation);
      await first.dispose();
      assert.deepEqual(traced, await trace(await open(), validation));
    }),

    check("ten steps leak no tensor", async () => {
      const bench = await open();
      const held = (metrics: Record<string, number>): number => tf.memory().numTensors - Object.keys(metrics).length;
      const before = held(await bench.step());
      const after = held(await bench.steps(10));
      await bench.dispose();
      if (after !== before) throw errors.MF_LEAK({ step: 2, before, after });
    }),

    check("a run that is saved and restored goes on as if it had not stopped", async () => {
      const whole = await open();
      await whole.steps(3);
      await whole.validate(validation);
      const saved = whole.save();
      whole.requests.length = 0;
      const resumed = await open();
      resumed.load(saved);
      assert.deepEqual(await trace(resumed, validation), await trace(whole, validation));
    }),

    check("no number that changes over time is baked into the step", async () => {
      const bench = await open();
      const first = await bench.recordAt(clockAt(1));
      // A fixed value may change the step's kernels, which is what it is for: compare times at which it does not.
      const compare = async (steps: number): Promise<void> => {
        const { fixed, recording } = await bench.recordAt(clockAt(steps));
        if (fixed === first.fixed && !same(recording, first.recording)) {
          throw errors.MF_CAPTURED_NUMBER({ plugin: firstOf().name });
        }
      };
      for (const steps of [2, 3, 7, 1000]) await compare(steps);
      await bench.steps(3);
      await compare(1);
      await bench.dispose();
    }),

    check("a run may end before its first step, and be disposed twice", async () => {
      const tensors = tf.memory().numTensors;
      const bench = await open();
      await bench.start();
      await bench.finish("interrupted");
      await bench.dispose();
      await bench.dispose();
      assert.equal(tf.memory().numTensors, tensors, "tensors are left after the run");
    }),
  ];
}

const clockAt = (steps: number): Clock => ({ steps, skipped: 0, batches: steps, samples: steps, epochs: 0 });

const same = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

/** Everything that can be seen of three steps, each with a validation, and of the state they end in. Disposes the bench. */
async function trace(bench: Bench, validation: Readonly<Record<string, number>>) {
  const metrics: Record<string, number>[] = [];
  for (let i = 0; i < 3; i++) {
    metrics.push(await bench.step());
    await bench.validate(validation);
  }
  const seen = {
    metrics,
    state: snapshot(bench.state),
    memory: bench.assembly.saveMemory(),
    requests: [...bench.requests],
  };
  await bench.dispose();
  return seen;
}
