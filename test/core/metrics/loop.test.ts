import { afterEach, beforeAll, expect, test, vi } from "vitest";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { sgd } from "../../../core/optimizer/sgd.ts";
import type { Plugin } from "../../../core/plugin.ts";
import { toyTask, useBackend } from "../../../core/testing/index.ts";
import { trainInMemory } from "../../support/loop.ts";
import { plugin } from "../engine/engines.ts";

beforeAll(async () => void (await useBackend("cpu")));
afterEach(() => void vi.useRealTimers());

const rate = sgd({ lr: 0.1 });
test("when a checkpoint is saved, a slow logger has written every step up to it", async () => {
  const written: number[] = [];
  const write = async (points: readonly MetricPoint[]) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    written.push(...points.filter(({ name }) => name === "train/loss").map(({ step }) => step));
  };
  const saved: [number, number[]][] = [];
  const slow = plugin("slow", ({ metrics, every, run }) => {
    metrics.sink("slow", write);
    every("5 steps", () => run.requestCheckpoint("interval"));
  });
  const store = {
    begin: async () => {},
    end: async () => {},
    save: async ({ position }: { position: { clock: { steps: number } } }) =>
      void saved.push([position.clock.steps, [...written]]),
    rollback: async () => null,
  };
  const { free } = await trainInMemory([slow, toyTask([1])], rate, { steps: 12, batchSize: 1 }, undefined, store);
  free();
  const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
  expect(saved).toEqual([5, 10, 12].map((step) => [step, upTo(step)]));
});

test("loggers that throw, reject, hang or fail to open or close do not change a run; each is told of once", async () => {
  const fail = (): never => {
    throw new Error("disk full");
  };
  const reject = () => Promise.reject(new Error("disk full"));
  const hang = () => new Promise<void>(() => {});
  const published = { kind: "text", name: "note", step: 1, epoch: 0, text: "note" } as const;
  const bad = (): Plugin =>
    plugin("bad", ({ hooks, metrics }) => {
      metrics.sink("throws", fail);
      metrics.sink("rejects", reject);
      metrics.sink("hangs", hang);
      metrics.sink("media", () => {}, { media: fail });
      const opens = metrics.sink("opens", () => {});
      const closes = metrics.sink("closes", () => {});
      hooks.onStart.tap("bad", () => opens.act(reject));
      hooks.onStep.tap("bad", () => metrics.publish([published]));
      hooks.onFinish.tap("bad", () => closes.act(fail));
    });
  const weights = async (plugins: readonly Plugin[]) => {
    const { state, summary, warnings, free } = await trainInMemory([...plugins, toyTask([1, 2])], rate, {
      steps: 30,
      batchSize: 1,
    });
    const values = Array.from(state.params["w"]!.dataSync());
    free();
    return { values, outcome: summary.outcome, metrics: summary.metrics, warnings };
  };
  const plain = await weights([]);
  // The last one may take ten seconds, which go by here while others have their turns.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const passing = setInterval(() => vi.advanceTimersByTime(1000), 1);
  const { warnings, ...run } = await weights([bad()]).finally(() => clearInterval(passing));
  expect({ ...run, warnings: [] }).toEqual(plain);
  const told = (name: string, what: string) =>
    `Metric sink "${name}" ${what}; it gets no more metrics. Training goes on.`;
  expect(warnings.sort()).toEqual([
    told("closes", "failed (disk full)"),
    told("hangs", "did not finish within 10 s"),
    told("media", "failed (disk full)"),
    told("opens", "failed (disk full)"),
    told("rejects", "failed (disk full)"),
    told("throws", "failed (disk full)"),
  ]);
});
