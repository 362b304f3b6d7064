import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { predictWith } from "../../../../core/inference.ts";
import { adam } from "../../../../core/optimizer/adam.ts";
import { createBench } from "../../../../core/testing/index.ts";
import { ebm } from "../../../../plugins/objectives/ebm/index.ts";
import { mse } from "../../../../plugins/objectives/mse/index.ts";
import { particle } from "../../../../plugins/tasks/particle/index.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const small = { episodes: 20, network: { width: 16 }, evaluation: { episodes: 2 } };
const settings = { batchSize: 16 };
const tried = { samples: 16, langevin: { iterations: 5 } };

describe("the task", () => {
  test("trains with ebm: three finite steps, energies told apart", async () => {
    const bench = createBench([particle(small), ebm({ negatives: 3, langevin: { iterations: 4 } })], undefined, {
      settings,
      optimizer: adam({ lr: 1e-3 }),
    });
    const first = await bench.step();
    const later = await bench.steps(30);
    expect(Number.isFinite(first["loss"])).toBe(true);
    expect(later["loss"]).toBeLessThan(first["loss"]!);
    await bench.dispose();
  });

  test("what normalises travels in the checkpoint: a fresh task answers as the trained one, without data", async () => {
    const make = (data: string | null) => [particle({ ...small, data, inference: tried }), ebm({ negatives: 2 })];
    const trained = createBench(make(null), undefined, { settings });
    await trained.steps(2);
    const saved = trained.save();
    const { inference } = trained.assembly.task;
    const examples = inference!.examples(3);
    const expected = await predictWith(inference!, trained.state.params)(examples);

    const fresh = createBench(make("gone/"), undefined, { settings });
    fresh.load(saved);
    expect(await predictWith(fresh.assembly.task.inference!, fresh.state.params)(examples)).toEqual(expected);
    expect(fresh.assembly.task.inference!.metadata["normalizer"]).toEqual(
      trained.assembly.task.inference!.metadata["normalizer"],
    );
    await trained.dispose();
    await fresh.dispose();
  });

  test("a resumed run keeps its normalizer, also when the data has changed since", async () => {
    const bench = createBench([particle(small), mse()], undefined, { settings });
    const other = createBench([particle({ ...small, episodes: 30 }), mse()], undefined, { settings });
    await (await bench.assembly.task.dataset()).close?.();
    const memory = bench.assembly.saveMemory();
    const dataset = await other.assembly.task.dataset();
    expect(other.assembly.saveMemory()).not.toEqual(memory);
    other.assembly.loadMemory(memory, {});
    expect(other.assembly.saveMemory()).toEqual(memory);
    const { batch } = await dataset.read({ epoch: 0, position: 0, seed: 0 }, 1500);
    const secondGoals = Array.from({ length: 1500 }, (_, row) => batch["observation"]!.data[16 * row + 15]!);
    // Centred on the first 20 episodes, of which these are not the mean.
    expect(Math.abs(secondGoals.reduce((sum, y) => sum + y, 0) / 1500)).toBeGreaterThan(1e-3);
    await bench.dispose();
    await other.dispose();
  });

  test("asked before it has seen anything, it says so", async () => {
    const bench = createBench([particle(small), mse()], undefined, { settings });
    expect(() => bench.assembly.task.inference!.metadata).toThrow(/MF_PARTICLE_NORMALIZER/);
    await bench.dispose();
  });

  test("evaluates episodes, the same for each call, and baselines beside them", async () => {
    const bench = createBench(
      [particle({ ...small, policy: "explicit", evaluation: { episodes: 50, seed: 3 } }), mse()],
      undefined,
      { settings },
    );
    await bench.steps(2);
    const [evaluator] = bench.assembly.evaluators;
    const predict = predictWith(bench.assembly.task.inference!, bench.state.params);
    const metrics = await evaluator!.evaluate(bench.state.params, predict, async () => ({}));
    expect(Object.keys(metrics)).toEqual([
      "success",
      "success_low",
      "success_high",
      "min_distance_goal1",
      "min_distance_goal2",
      "final_distance_goal2",
    ]);
    expect(await evaluator!.evaluate(bench.state.params, predict, async () => ({}))).toEqual(metrics);
    const baselines = await evaluator!.baselines!();
    expect(Object.keys(baselines)).toEqual(["oracle", "always_goal2", "between_goals", "uniform"]);
    expect(baselines["oracle"]!["success"]).toBe(1);
    await bench.dispose();
  });

  test("trains with mse: the loss falls to a fraction", async () => {
    const task = particle({ dims: 1, episodes: 100, policy: "explicit", network: { width: 32 } });
    const bench = createBench([task, mse()], undefined, { settings: { batchSize: 64 }, optimizer: adam({ lr: 3e-3 }) });
    const { loss } = await bench.step();
    expect((await bench.steps(150))["loss"]).toBeLessThan(0.4 * loss!);
    await bench.dispose();
  });

  test("dropout draws masks for the step alone", async () => {
    const bench = createBench(
      [particle({ ...small, policy: "explicit", network: { width: 16, dropout: 0.5 } }), mse()],
      undefined,
      { settings },
    );
    expect(Number.isFinite((await bench.steps(3))["loss"])).toBe(true);
    await bench.dispose();
  });
});
