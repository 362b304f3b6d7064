import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { assemble } from "../../core/assemble.ts";
import { firstCursor } from "../../core/data/cursor.ts";
import { createEagerEngine, disposeState } from "../../core/engine/eager.ts";
import { createMetricStream, type MetricPoint } from "../../core/metrics/stream.ts";
import { adam } from "../../core/optimizer/adam.ts";
import { definePlugin, type Plugin, type PluginContext } from "../../core/plugin.ts";
import { clockAtStart, type RunSummary } from "../../core/run.ts";
import { createRunControl } from "../../core/run-control.ts";
import type { TrainState } from "../../core/state.ts";
import { toyTask, useBackend } from "../../core/testing/index.ts";
import { type CheckpointRequest, type Loop, type LoopSettings, runLoop } from "../../core/trainer.ts";
import { mapTree } from "../../core/tree.ts";

beforeAll(async () => void (await useBackend("cpu")));

const plugin = (setup: (context: PluginContext) => unknown, name = "mine"): Plugin =>
  definePlugin({ name, summary: "", options: z.strictObject({}), setup })();

/** Reports the loss of the parameters as `val/distance`: ‖w‖². */
const distance = () =>
  plugin(
    ({ evaluator }) =>
      evaluator({
        name: "distance",
        evaluate: (params) => ({ distance: Array.from(params["w"]!.dataSync()).reduce((sum, w) => sum + w * w, 0) }),
      }),
    "distance",
  );

interface Seen {
  summary: RunSummary | null;
  error: unknown;
  weights: number[];
  points: MetricPoint[];
  messages: string[];
  saved: Omit<CheckpointRequest, "position">[];
  /** What the store was told at the beginning and at the end. */
  kept: Partial<RunSummary>[];
}

const cloneState = ({ params, opt, slots }: TrainState): TrainState => ({
  params: mapTree((t) => t.clone(), params),
  opt: mapTree((t) => t.clone(), opt),
  slots: mapTree((t) => t.clone(), slots),
});

/** Runs the loop on the toy task, with checkpoints that stay in memory. Frees every tensor. */
async function run(
  plugins: readonly Plugin[],
  settings: Partial<LoopSettings> = {},
  more: Partial<Pick<Loop, "signal" | "resumedFrom" | "now">> & { close?: () => void } = {},
): Promise<Seen> {
  const optimizer = adam({ lr: 0.1 });
  const all: LoopSettings = {
    seed: 0,
    steps: 3,
    epochs: null,
    minutes: null,
    batchSize: 1,
    accumulate: 1,
    learningRate: 0.1,
    config: {},
    validate: null,
    log: "1 steps",
    nonFinite: "stop",
    maxSkipped: 2,
    ...settings,
  };
  const seen: Seen = { summary: null, error: null, weights: [], points: [], messages: [], saved: [], kept: [] };
  const tell = (message: string): void => void seen.messages.push(message);
  const metrics = createMetricStream(tell);
  metrics.points.subscribe((p) => void seen.points.push(p));
  const control = createRunControl("test", null);
  const log = { info: tell, warn: tell };
  const assembly = assemble([...plugins, toyTask([0, 0])], optimizer, {
    run: control.run,
    settings: all,
    metrics,
    log,
  });
  const kept: TrainState[] = [];
  const { close, ...rest } = more;
  try {
    const { summary, state } = await runLoop({
      assembly,
      engine: createEagerEngine(),
      dataset: { ...(await assembly.task.dataset()), ...(close ? { close } : {}) },
      control,
      settings: all,
      metrics,
      log,
      store: {
        async save({ position, ...request }) {
          seen.saved.push(request);
          kept.push(cloneState(position.state));
        },
        begin: async (baselines) => void seen.kept.push({ baselines }),
        end: async (summary) => void seen.kept.push(summary),
        rollback: async () => (kept.length === 0 ? null : cloneState(kept.at(-1)!)),
      },
      start: { state: assembly.initialState(), clock: clockAtStart, cursor: firstCursor(0) },
      resumedFrom: null,
      ...rest,
    });
    seen.summary = summary;
    seen.weights = Array.from(state.params["w"]!.dataSync());
    disposeState(state);
  } catch (error) {
    seen.error = error;
  }
  for (const state of kept) disposeState(state);
  return seen;
}

/** Writes down each call of a hook, and the disposer. */
const diary = (lines: string[]) =>
  plugin(({ hooks, every, onDispose, run: { requestCheckpoint } }) => {
    hooks.onStart.tap("diary", ({ clock }) => void lines.push(`onStart ${clock.steps}`));
    hooks.onStep.tap("diary", ({ clock }) => void lines.push(`onStep ${clock.steps}`));
    hooks.onValidate.tap(
      "diary",
      ({ clock, metrics }) => void lines.push(`onValidate ${clock.steps} ${Object.keys(metrics)}`),
    );
    hooks.onCheckpoint.tap("diary", ({ name, tags }) => void lines.push(`onCheckpoint ${name} ${tags}`));
    hooks.onFinish.tap("diary", ({ outcome, reason }) => void lines.push(`onFinish ${outcome}: ${reason}`));
    every("2 steps", (clock) => {
      lines.push(`every ${clock.steps}`);
      requestCheckpoint("interval");
    });
    onDispose(() => void lines.push("disposed"));
  }, "diary");

test("the loop calls hooks in this order", async () => {
  const lines: string[] = [];
  await run([diary(lines), distance()], { steps: 3, validate: "2 steps" }, { close: () => void lines.push("closed") });
  expect(lines).toEqual([
    "onStart 0",
    "onStep 1",
    "onStep 2",
    "every 2",
    "onValidate 2 val/distance",
    "onCheckpoint step-00000002 interval",
    "onStep 3",
    "onValidate 3 val/distance",
    "onCheckpoint step-00000003 final",
    "onFinish completed: reached 3 steps",
    "disposed",
    "closed",
  ]);
});

test("a run of whole epochs ends with the last of them", async () => {
  // The toy task has two samples here, so an epoch is two steps.
  const { summary } = await run([], { steps: null, epochs: 3 });
  expect(summary).toMatchObject({ outcome: "completed", reason: "reached 3 epochs", clock: { steps: 6, epochs: 3 } });
});

test("a limit of minutes stops the run", async () => {
  let now = 0;
  const clock = () => {
    now += 10_000;
    return now;
  };
  const { summary } = await run([], { steps: null, minutes: 5 }, { now: clock });
  expect(summary).toMatchObject({ outcome: "stopped", reason: "reached 5 minutes" });
});

test("of several reasons to stop the first one counts, and it is saved with the checkpoint", async () => {
  const stops = plugin(({ hooks, run: { requestStop } }) =>
    hooks.onStep.tap("mine", ({ clock }) => {
      if (clock.steps === 2) requestStop("enough");
      if (clock.steps === 2) requestStop("more than enough");
    }),
  );
  const { summary, saved } = await run([stops], { steps: 10 });
  expect(summary).toMatchObject({ outcome: "stopped", reason: "enough", clock: { steps: 2 } });
  expect(saved.at(-1)).toMatchObject({ name: "step-00000002", stopReason: "enough" });
});

test("an abort ends the run after the step it came in, saved as one that may go on", async () => {
  const abort = new AbortController();
  const aborts = plugin(({ hooks }) =>
    hooks.onStep.tap("mine", ({ clock }) => {
      if (clock.steps === 2) abort.abort();
    }),
  );
  const { summary, saved } = await run([aborts], { steps: 10 }, { signal: abort.signal });
  expect(summary).toMatchObject({ outcome: "interrupted", clock: { steps: 2 } });
  expect(saved).toMatchObject([{ name: "step-00000002", stopReason: null }]);
});

test("an abort from outside is heard while steps run one after the other", async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  const { summary } = await run([], { steps: null, log: "1000 steps" }, { signal: abort.signal });
  expect(summary?.outcome).toBe("interrupted");
});

test("a checkpoint carries the validation, the plugins' marks and what to keep", async () => {
  const marks = plugin(({ hooks }) =>
    hooks.onCheckpoint.tap("mine", (draft) => {
      draft.markBest("val/distance", draft.metrics["val/distance"]!);
      draft.keepLast(2);
    }),
  );
  const { saved, summary } = await run([marks, distance()]);
  const value = summary!.metrics["val/distance"]!;
  expect(saved).toMatchObject([
    { metrics: { "val/distance": value }, best: { metric: "val/distance", value }, keepLast: 2 },
  ]);
});

test("what is recorded of a step is what the step was fed: the first learning rate belongs to step 1", async () => {
  const rate = plugin(({ scalar }) => scalar("lr", ({ steps }) => 0.1 + steps));
  const { points } = await run([rate]);
  const rates = points.filter((p) => p.name === "train/lr").map(({ step, value }) => [step, value]);
  expect(rates).toEqual([
    [1, 0.1],
    [2, 1.1],
    [3, 2.1],
  ]);
  expect(new Set(points.map((p) => p.name))).toEqual(
    new Set(["train/loss", "train/loss/toy", "train/lr", "train/skipped"]),
  );
  expect(points[0]).toMatchObject({ name: "train/loss", value: 25 });
});

test("what the last step measured is recorded too, and once; not where the run will go on from it", async () => {
  const stepsOf = ({ points }: Seen) => points.filter(({ name }) => name === "train/loss").map(({ step }) => step);
  expect(stepsOf(await run([], { steps: 10, log: "4 steps" }))).toEqual([4, 8, 10]);
  expect(stepsOf(await run([], { steps: 8, log: "4 steps" }))).toEqual([4, 8]);
  const abort = new AbortController();
  const aborts = plugin(({ hooks }) => hooks.onStep.tap("mine", ({ clock }) => clock.steps === 6 && abort.abort()));
  expect(stepsOf(await run([aborts], { steps: 10, log: "4 steps" }, { signal: abort.signal }))).toEqual([4]);
});

test("a thousand steps and what surrounds them leave no tensor behind", async () => {
  const before = tf.memory().numTensors;
  await run([diary([]), distance()], { steps: 1000, log: "7 steps", validate: "100 steps" });
  expect(tf.memory().numTensors).toBe(before);
});

test("the parameters that are evaluated are those that a plugin chose", async () => {
  const zeros = plugin(({ evaluationParams }) => evaluationParams(({ params }) => mapTree(tf.zerosLike, params)));
  const { summary } = await run([zeros, distance()]);
  expect(summary?.metrics).toEqual({ "val/distance": 0 });
});

test("an evaluator may ask the task; one without an inference function says that it has none", async () => {
  const asks = plugin(({ evaluator }) =>
    evaluator({ name: "mine", evaluate: async (_, predict) => ({ rows: Object.keys(await predict({})).length }) }),
  );
  const { error } = await run([asks]);
  expect(error).toMatchObject({ code: "MF_INFERENCE_NONE", fault: "user", message: expect.stringContaining('"toy"') });
});

test("baselines are measured once, before the first step, and kept from then on", async () => {
  let measured = 0;
  const evaluates = plugin(({ evaluator, run }) =>
    evaluator({
      name: "mine",
      evaluate: () => ({ error_mm: 2 }),
      baselines: () => {
        measured += 1;
        expect(run.clock.steps).toBe(0);
        return { guess: { error_mm: 9 } };
      },
    }),
  );
  const { summary, kept } = await run([evaluates], { validate: "1 steps" });
  const baselines = { guess: { "val/error_mm": 9 } };
  expect(summary).toMatchObject({ baselines });
  expect(kept).toEqual([{ baselines }, summary]);
  expect(measured).toBe(1);
});

describe("when something fails", () => {
  const fails = (hook: "onStart" | "onStep" | "onValidate" | "onCheckpoint" | "onFinish") =>
    plugin(({ hooks }) =>
      hooks[hook].tap("mine", () => {
        throw new Error("boom");
      }),
    );

  test.each(["onStart", "onStep", "onValidate", "onCheckpoint"] as const)(
    "in %s, observers hear of it, disposers run, nothing is left, and the error is the caller's",
    async (hook) => {
      const lines: string[] = [];
      const before = tf.memory().numTensors;
      const { error, kept } = await run([fails(hook), diary(lines)], {}, { close: () => void lines.push("closed") });
      expect(error).toMatchObject({ message: `Plugin "mine" failed in ${hook}: boom [MF_TAP_FAILED]` });
      expect(lines.slice(-3)).toEqual([
        `onFinish failed: Plugin "mine" failed in ${hook}: boom [MF_TAP_FAILED]`,
        "disposed",
        "closed",
      ]);
      expect(kept.at(-1)).toMatchObject({ outcome: "failed", reason: expect.stringContaining("boom") });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("in onFinish, the disposers still run", async () => {
    const lines: string[] = [];
    const { error, saved, kept } = await run([fails("onFinish"), diary(lines)]);
    expect(error).toMatchObject({ code: "MF_TAP_FAILED" });
    expect(lines.at(-1)).toBe("disposed");
    expect(saved).toHaveLength(2);
    expect(kept.at(-1)).toMatchObject({ outcome: "completed" });
  });

  test("in onFinish after another failure, the first one is the caller's", async () => {
    const both = plugin(({ hooks }) => {
      hooks.onStep.tap("mine", () => {
        throw new Error("first");
      });
      hooks.onFinish.tap("mine", () => {
        throw new Error("second");
      });
    });
    const { error, messages } = await run([both]);
    expect(error).toMatchObject({ message: expect.stringContaining("first") });
    expect(messages).toEqual([expect.stringContaining("second")]);
  });

  test("while baselines are measured, observers hear of it before anything is trained", async () => {
    const lines: string[] = [];
    const broken = plugin(({ evaluator }) =>
      evaluator({
        name: "mine",
        evaluate: () => ({}),
        baselines: () => {
          throw new Error("boom");
        },
      }),
    );
    const { error } = await run([broken, diary(lines)]);
    expect(error).toMatchObject({ message: "boom" });
    expect(lines).toEqual(["onStart 0", "onFinish failed: boom", "disposed"]);
  });

  test("in a disposer, the run is told and is still a success", async () => {
    const stuck = plugin(({ onDispose }) =>
      onDispose(() => {
        throw new Error("stuck");
      }),
    );
    const { summary, messages } = await run([stuck]);
    expect(summary?.outcome).toBe("completed");
    expect(messages).toEqual(["A plugin failed to clean up: Error: stuck"]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("disk full"))],
  ])("in a metric sink that %s, training goes on and the run is told once", async (_how, write) => {
    const { summary, messages } = await run([plugin(({ metrics }) => metrics.sink("mine", write))], { steps: 20 });
    expect(summary).toMatchObject({ outcome: "completed", clock: { steps: 20 } });
    expect(messages).toEqual(['Metric sink "mine" failed (disk full); it gets no more metrics. Training goes on.']);
  });
});

describe("when losses are not finite", () => {
  /** Gradients are NaN in the steps for which `bad` says so. */
  const poison = (bad: (steps: number) => boolean) =>
    plugin(({ hooks, scalar }) => {
      scalar("mine/finite", ({ steps }) => (bad(steps) ? 0 : 1));
      hooks.afterBackward.tap("mine", (grads, step) =>
        mapTree((g) => tf.div(g, tf.div(step.scalars["mine/finite"]!, step.scalars["mine/finite"]!)), grads),
      );
    });

  test("a bad step now and then is skipped, counted and told", async () => {
    const { summary, messages } = await run([poison((steps) => steps === 1)], { steps: 4 });
    expect(summary).toMatchObject({ outcome: "completed", clock: { steps: 4, skipped: 1 } });
    expect(messages).toEqual([expect.stringContaining("Step 2 skipped: a loss or gradient is not finite (loss = ")]);
  });

  test("too many in a row end the run with a report of the losses", async () => {
    const { error } = await run([poison((steps) => steps >= 1)], { steps: 10 });
    expect(error).toMatchObject({
      code: "MF_NOT_FINITE",
      fault: "user",
      message: expect.stringMatching(/at step 3 \(loss = [\d.]+, loss\/toy = [\d.]+\)/),
    });
  });

  test("the run goes back to the last checkpoint's weights when told to, and the data goes on", async () => {
    const save = plugin(
      ({ every, run: { requestCheckpoint } }) => every("1 steps", () => requestCheckpoint("x")),
      "save",
    );
    const bad = poison((steps) => steps === 2 || steps === 3);
    const { summary, messages } = await run([save, bad], { steps: 6, nonFinite: "rollback" });
    expect(summary).toMatchObject({ outcome: "completed", clock: { steps: 6, skipped: 2, samples: 6 } });
    expect(messages.at(-1)).toBe("Rolled back to the last checkpoint's weights (1 of at most 3).");
  });

  test("a run that does not recover ends after three rollbacks, leaving no tensor", async () => {
    const before = tf.memory().numTensors;
    const save = plugin(
      ({ hooks, run: { requestCheckpoint } }) =>
        hooks.onStep.tap("save", ({ clock }) => {
          if (clock.steps === 1) requestCheckpoint("x");
        }),
      "save",
    );
    const { error, messages } = await run([save, poison((steps) => steps >= 1)], { steps: 100, nonFinite: "rollback" });
    expect(error).toMatchObject({ code: "MF_NOT_FINITE" });
    expect(messages.filter((m) => m.startsWith("Rolled back"))).toHaveLength(3);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("without a checkpoint to go back to, the run ends", async () => {
    const { error } = await run([poison(() => true)], { steps: 10, nonFinite: "rollback" });
    expect(error).toMatchObject({ code: "MF_NOT_FINITE" });
  });
});

test("two runs of the same seed end in the same weights", async () => {
  expect((await run([], { steps: 50 })).weights).toEqual((await run([], { steps: 50 })).weights);
});
