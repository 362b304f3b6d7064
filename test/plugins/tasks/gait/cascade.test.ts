import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { snapshot } from "../../../../core/checkpoint/snapshot.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { openEngine } from "../../../../core/engine/open.ts";
import { adamW } from "../../../../core/optimizer/adam.ts";
import { type Bench, createBench } from "../../../../core/testing/index.ts";
import { distillation } from "../../../../plugins/objectives/distillation/index.ts";
import { stageAt, stagesOf } from "../../../../plugins/tasks/gait/cascade.ts";
import { gait } from "../../../../plugins/tasks/gait/index.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import { ema } from "../../../../plugins/training/ema/index.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const space = shippedParameters();
const stride = { parameters: ["gait_stride"] as [string], steps: null };

describe("stages", () => {
  test("read groups and single parameters, each once, in the description's order", () => {
    const [first, second] = stagesOf(space, [
      { parameters: ["torsion", "gait_cadence", "gait"], steps: 10 },
      { parameters: ["muscle_force"], steps: null },
    ]);
    expect(first).toEqual({ columns: [0, 1, 11, 12], until: 10 });
    expect(second!.columns).toHaveLength(134);
    expect(second!.columns.every((i) => space.parameters[i]!.group === "muscle_force")).toBe(true);
  });

  test("no cascade is one network on everything, to the end", () => {
    expect(stagesOf(space, [])).toEqual([{ columns: space.parameters.map((_, i) => i), until: Infinity }]);
  });

  test("follow one another by their steps", () => {
    const stages = stagesOf(space, [{ ...stride, steps: 3 }, { ...stride, steps: 2 }, stride]);
    expect([0, 2, 3, 4, 5, 1e9].map((steps) => stageAt(stages, steps))).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test.each([
    [[{ parameters: ["muscle_forse"], steps: null }], "cascade.0.parameters.0", 'did you mean "muscle_force"?'],
    [[{ parameters: ["gait", "zzz"], steps: null }], "cascade.0.parameters.1", "groups: gait, skeleton, torsion"],
    [[stride, stride], "cascade.0.steps", "say how long it is trained"],
    [[{ ...stride, steps: 5 }], "cascade.0.steps", "trained to the end of the run"],
  ])("%j is refused", (cascade, option, problem) => {
    expect(() => stagesOf(space, cascade as [])).toThrow(
      expect.objectContaining({
        fault: "user",
        message: expect.stringContaining(problem),
        detail: expect.objectContaining({ option }),
      }),
    );
  });
});

describe.each(["eager", "graph"] as const)("training one after another, %s", (engine) => {
  const cascade = [
    { parameters: ["gait", "skeleton", "torsion"] as [string, ...string[]], steps: 4 },
    { parameters: ["muscle_length"] as [string], steps: 3 },
    { parameters: ["muscle_force"] as [string] },
  ];
  // Weight decay and momentum move weights that have no gradient; an average goes on moving.
  const open = async (): Promise<Bench> =>
    createBench([gait({ cascade, network: { width: 8, depth: 1 } }), distillation(), ema({ decay: 0.9 })], undefined, {
      settings: { batchSize: 16, steps: 10 },
      optimizer: adamW({ lr: 1e-2, weightDecay: 0.1 }),
      engine: await openEngine(engine, "cpu", { info: () => {}, warn: () => {} }),
    });
  const weights = (bench: Bench, network: number): Record<string, number[]> =>
    Object.fromEntries(
      Object.entries(snapshot(bench.state))
        .filter(([path]) => path.startsWith(`params/network${network}/`))
        .map(([path, { data }]) => [path, Array.from(data as Float32Array)]),
    );

  test("each network moves in its turn alone: the others keep every bit", async () => {
    const bench = await open();
    const all = (): Record<string, number[]>[] => [0, 1, 2].map((network) => weights(bench, network));
    const turns = [];
    for (const steps of [4, 3, 3]) {
      const before = all();
      await bench.steps(steps);
      const after = all();
      turns.push(before.map((was, i) => JSON.stringify(was) !== JSON.stringify(after[i])));
    }
    expect(turns).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
    for (const network of all().slice(1))
      expect(
        Object.values(network)
          .flat()
          .some((x) => x !== 0),
      ).toBe(true);
    await bench.dispose();
  });

  test("a run that is resumed in a stage goes on as if it had not stopped", async () => {
    const whole = await open();
    await whole.steps(5);
    const saved = whole.save();
    const resumed = await open();
    resumed.load(saved);
    const [expected, found] = [await whole.steps(4), await resumed.steps(4)];
    expect(found).toEqual(expected);
    expect(snapshot(resumed.state)).toEqual(snapshot(whole.state));
    await whole.dispose();
    await resumed.dispose();
  });
});

test("a run that ends before the last network's turn says so", async () => {
  const tensors = tf.memory().numTensors;
  const cascade = [{ ...stride, steps: 20 }, { parameters: ["gait"] as [string] }];
  const bench = createBench([gait({ cascade, network: { width: 4 } }), distillation()], undefined, {
    settings: { steps: 20 },
  });
  expect(bench.messages).toEqual([expect.stringContaining("from step 20 on; the run ends at 20")]);
  await bench.dispose();
  expect(tf.memory().numTensors).toBe(tensors);
});
