import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { repeat } from "../../../core/engine/feed.ts";
import { specsOf } from "../../../core/engine/graph.ts";
import { needed } from "../../../core/graph/node.ts";
import { traceStep } from "../../../core/graph/trace/step.ts";
import { adam } from "../../../core/optimizer/adam.ts";
import type { Plugin } from "../../../core/plugin.ts";
import { createStream } from "../../../core/random.ts";
import type { Batch } from "../../../core/state.ts";
import { type BenchOptions, createBench } from "../../../core/testing/index.ts";
import type { Tree } from "../../../core/tree.ts";
import { ebm } from "../../../plugins/objectives/ebm/index.ts";
import { uniformIn } from "../../../plugins/objectives/implicit/box.ts";
import { lowestEnergy } from "../../../plugins/objectives/implicit/energy.ts";
import { langevin } from "../../../plugins/objectives/implicit/langevin.ts";
import { langevinSchema } from "../../../plugins/objectives/implicit/options.ts";
import { mse } from "../../../plugins/objectives/mse/index.ts";
import { expectBothAlike, openGraph, plugin } from "../../core/engine/engines.ts";
import { forkedAction, forkModel, forkTask } from "../../support/fork-task.ts";
import { trainInMemory } from "../../support/loop.ts";
import { draws } from "./implicit/draws.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const batches: BenchOptions = { settings: { batchSize: 16 }, optimizer: adam({ lr: 1e-2 }) };
const short = { iterations: 6 };
const values = (x: tf.Tensor): number[] => Array.from(x.dataSync());

/** What `ebm` makes of a batch, as values. */
async function madeOf(options: Parameters<typeof ebm>[0]) {
  let made: { shape: number[]; actions: number[]; action: number[] } | undefined;
  // After the step: inside of it no tensor may be read.
  const kept: tf.Tensor[] = [];
  const spy = plugin("spy", ({ hooks }) =>
    hooks.beforeStep.tap("spy", (batch: Batch) => {
      kept.push(tf.keep(batch["actions"]!.clone()), tf.keep(batch["action"]!.clone()));
      return batch;
    }),
  );
  const bench = createBench([ebm(options), spy, forkTask()], undefined, batches);
  try {
    const metrics = await bench.step();
    const [actions, action] = kept as [tf.Tensor, tf.Tensor];
    made = { shape: actions.shape, actions: values(actions), action: values(action) };
    return { ...made, metrics };
  } finally {
    for (const tensor of kept) tensor.dispose();
    await bench.dispose();
  }
}

describe("counter-examples", () => {
  test("come before the demonstrated action, which is last, and stay in the box", async () => {
    const { shape, actions, action } = await madeOf({ negatives: 4, langevin: short });
    expect(shape).toEqual([16, 5, 1]);
    expect(actions.filter((_, i) => i % 5 === 4)).toEqual(action);
    expect(actions.every((a) => Math.abs(a) <= 1)).toBe(true);
    expect(new Set(actions).size).toBeGreaterThan(60);
  });

  test("without a share for the chain are uniform, and the first draws of the step", async () => {
    const { actions } = await madeOf({ negatives: 4, langevin: { ...short, share: 0 } });
    const drawn = createStream(0, "step", 0).uniforms(64);
    const expected = Array.from(drawn, (u) => Math.fround(-1 + Math.fround(2 * u)));
    expect(actions.filter((_, i) => i % 5 !== 4)).toEqual(expected.map((x) => expect.closeTo(x, 6)));
  });

  test("a share of them is moved by the chain", async () => {
    const { shape, actions } = await madeOf({ negatives: 4, langevin: { ...short, share: 0.5 } });
    expect(shape).toEqual([16, 5, 1]);
    const random = createStream(0, "step", 0);
    const starts = random.uniforms(32);
    random.normals(6 * 32);
    const uniform = random.uniforms(32);
    for (let row = 0; row < 16; row++) {
      for (const i of [0, 1]) {
        expect(actions[row * 5 + 2 + i]).toBeCloseTo(2 * uniform[row * 2 + i]! - 1, 5);
        expect(actions[row * 5 + i]).not.toBeCloseTo(2 * starts[row * 2 + i]! - 1, 5);
      }
    }
  });
});

describe("the loss", () => {
  test("is InfoNCE and the weighted penalty; energies are reported", async () => {
    const { metrics } = await madeOf({ negatives: 4, langevin: short, gradientPenalty: { weight: 2, margin: 0 } });
    expect(metrics["ebm/gradient_penalty"]).toBeGreaterThan(0);
    expect(metrics["loss"]).toBeCloseTo(metrics["ebm/info_nce"]! + 2 * metrics["ebm/gradient_penalty"]!, 5);
    expect(metrics["loss/ebm"]).toBe(metrics["loss"]);
    expect(metrics["ebm/positive_energy"]).not.toBe(metrics["ebm/negative_energy"]);
  });

  test("a penalty of weight 0 is not computed", async () => {
    const { metrics } = await madeOf({ negatives: 4, langevin: short, gradientPenalty: { weight: 0 } });
    expect(Object.keys(metrics)).not.toContain("ebm/gradient_penalty");
    expect(metrics["loss"]).toBe(metrics["ebm/info_nce"]);
  });
});

describe("both engines", () => {
  // Adam would turn the rounding of a gradient that is zero, that of the energy's offset, into whole steps.
  const plain: BenchOptions = { settings: { batchSize: 16 } };

  test("train alike", () =>
    expectBothAlike(
      () => [
        ebm({ negatives: 4, langevin: { iterations: 12, share: 0.75 }, gradientPenalty: { margin: 0.01 } }),
        forkTask(),
      ],
      6,
      plain,
      1e-5,
    ));

  test("the chain is one loop of the graph", async () => {
    const bench = createBench([ebm({ negatives: 4, langevin: short }), forkTask()], undefined, batches);
    const { assembly, state, clock } = bench;
    const { batch } = await (await assembly.task.dataset()).read({ epoch: 0, position: 0, seed: 0 }, 16);
    const inputs = { batch, scalars: assembly.scalarsAt(clock), random: createStream(0, "step") };
    const graph = traceStep(assembly.program, specsOf(state, inputs));
    expect(needed(Object.values(graph.state)).filter(({ op }) => op === "Loop")).toHaveLength(1);
    await bench.dispose();
  });

  test("the explicit baseline trains alike", () =>
    expectBothAlike(() => [mse(), forkTask({ policy: "explicit" })], 6, batches, 1e-5));
});

describe("demonstrations that turn left or right", () => {
  const observations = [-0.8, 0, 0.8];
  const seen = (): tf.Tensor => tf.tensor2d(observations.map((o) => [o]));
  const trained = async (plugins: readonly Plugin[], steps: number, answer: (params: Tree) => tf.Tensor) => {
    const settings = { steps, batchSize: 64, validate: null, log: "1000 steps" } as const;
    const { state, free } = await trainInMemory(plugins, adam({ lr: 1e-2 }), settings, await openGraph());
    const actions = tf.tidy(() => values(answer(state.params)));
    free();
    return actions;
  };

  test("the energy is lowest at one of the two", async () => {
    const plugins = [ebm({ langevin: { iterations: 20 } }), forkTask()];
    const actions = await trained(plugins, 300, (params) => {
      const energy = (action: tf.Tensor): tf.Tensor => forkModel.apply(params, { observation: seen(), action });
      const box = { low: tf.scalar(-1), high: tf.scalar(1) };
      const start = uniformIn(box, [observations.length, 64, 1], draws());
      const end = langevin(energy, start, { ...langevinSchema.parse({ iterations: 50 }), ...box }, draws(1), repeat);
      return lowestEnergy(energy(end), end);
    });
    for (const [i, o] of observations.entries()) expect(Math.abs(actions[i]!)).toBeCloseTo(forkedAction(o), 0.9);
  });

  test("regression answers with their mean, which nobody demonstrated", async () => {
    const plugins = [mse(), forkTask({ policy: "explicit" })];
    const actions = await trained(plugins, 300, (params) => forkModel.apply(params, { observation: seen() }));
    for (const action of actions) expect(Math.abs(action)).toBeLessThan(0.2);
  });
});

describe("what does not fit is refused", () => {
  const failing = async (plugins: readonly Plugin[], options: BenchOptions = batches): Promise<unknown> => {
    const bench = createBench(plugins, undefined, options);
    return bench.step().then(
      () => undefined,
      async (error: Error) => {
        await bench.dispose();
        return error.message;
      },
    );
  };

  test("a model of the other kind", async () => {
    expect(await failing([ebm({ negatives: 4, langevin: short }), forkTask({ policy: "explicit" })])).toMatch(
      /an energy for each action, \[16, 5\]; this one gives \[16, 1\]\. Set the task's policy to implicit/,
    );
    const twice = plugin("twice", ({ hooks }) =>
      hooks.beforeStep.tap("twice", (batch) => ({
        ...batch,
        action: tf.concat([batch["action"]!, batch["action"]!], 1),
      })),
    );
    expect(await failing([twice, mse(), forkTask({ policy: "explicit" })])).toMatch(
      /an action for each observation, \[16, 2\]; this one gives \[16, 1\]\. .* explicit/,
    );
  });

  test("a task without demonstrations", async () => {
    expect(await failing([ebm()], {})).toMatch(/ebm .* no "observation" \(only target\).*MF_IMITATION_BATCH/);
    expect(await failing([mse()], {})).toMatch(/mse .* no "observation" \(only target\).*MF_IMITATION_BATCH/);
  });
});
