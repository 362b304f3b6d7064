import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";
import { openPredictor } from "../../../core/engine/open.ts";
import { createPredictor } from "../../../core/engine/predictor.ts";
import { tensorMemory } from "../../../core/engine/wasm-memory.ts";
import { openRuntime } from "../../../core/graph/runtime/runtime.ts";
import { predictWith, rowsFrom } from "../../../core/inference.ts";
import { adam } from "../../../core/optimizer/adam.ts";
import type { Plugin } from "../../../core/plugin.ts";
import { createStream } from "../../../core/random.ts";
import type { Inference, Predict } from "../../../core/task.ts";
import { createBench } from "../../../core/testing/index.ts";
import { mapTree, type Tree } from "../../../core/tree.ts";
import { ebm } from "../../../plugins/objectives/ebm/index.ts";
import { meanflow } from "../../../plugins/objectives/meanflow/index.ts";
import { mse } from "../../../plugins/objectives/mse/index.ts";
import { ik } from "../../../plugins/tasks/ik/index.ts";
import { particle } from "../../../plugins/tasks/particle/index.ts";
import { trainInMemory } from "../../support/loop.ts";
import { energyParams, energyTask } from "../export/energy-task.ts";
import { openGraph } from "./engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

/** A predictor, and what it says. */
async function opened(api: "node" | "c" | "auto" = "auto") {
  const said: string[] = [];
  const log = { info: (text: string) => void said.push(text), warn: (text: string) => void said.push(text) };
  return { said, ...createPredictor(await openRuntime({ api, threads: 1 }), log) };
}

/** Largest difference of any output, relative above 1 and absolute below; the inputs are the function's examples. */
async function difference(inference: Inference, a: Predict, b: Predict, rows: number): Promise<number> {
  const inputs = rowsFrom(inference.examples(rows), 0, rows);
  const [found, expected] = [await a(inputs), await b(inputs)];
  expect(Object.keys(found).sort()).toEqual(Object.keys(inference.outputs).sort());
  let most = 0;
  for (const [name, { data, shape, dtype }] of Object.entries(expected)) {
    expect([found[name]!.shape, found[name]!.dtype]).toEqual([shape, dtype]);
    for (const [i, x] of data.entries()) {
      most = Math.max(most, Math.abs(found[name]!.data[i]! - x) / Math.max(1, Math.abs(x)));
    }
  }
  return most;
}

/** Moves every parameter, so that layers that start at zero carry signal. */
const shaken = (params: Tree, seed: number): Tree => {
  const random = createStream(seed, "shake");
  return mapTree((p) => tf.add(p, tf.tensor(random.normals(p.size, 0, 0.1), p.shape)), params);
};

const small = { episodes: 5, evaluation: { episodes: 6 } };
const chain = { samples: 6, langevin: { iterations: 12 } };

describe.each<[string, readonly number[], () => Plugin[]]>([
  [
    "an explicit policy",
    [1, 7, 5000],
    () => [particle({ ...small, policy: "explicit", network: { width: 16 } }), mse()],
  ],
  ["a Langevin chain", [1, 7], () => [particle({ ...small, network: { width: 16 }, inference: chain }), ebm()]],
  [
    "a Langevin chain of 3 steps in 3-D, with silu and layer norm",
    [1, 7],
    () => {
      const network = { width: 16, activation: "silu", layerNorm: true } as const;
      return [particle({ ...small, dims: 3, network, inference: { samples: 6, langevin: { iterations: 3 } } }), ebm()];
    },
  ],
  [
    "inverse kinematics in two flow steps",
    [1, 7, 5000],
    () => [
      ik({ network: { width: 16, depth: 2, condition: 8 }, solve: { steps: 2 }, validationPoses: 50 }),
      meanflow(),
    ],
  ],
])("%s", (_, rows, make) => {
  test(`compiled is as eager, with other parameters too, on ${rows} rows`, async () => {
    const bench = createBench(make(), undefined, { settings: { batchSize: 8 } });
    await (await bench.assembly.task.dataset()).close?.();
    const inference = bench.assembly.task.inference!;
    const { said, predictWith: compiledWith, dispose } = await opened();
    for (const seed of [1, 2]) {
      const params = shaken(bench.state.params, seed);
      for (const count of rows) {
        const compiled = compiledWith(inference, params);
        expect(await difference(inference, compiled, predictWith(inference, params), count)).toBeLessThan(1e-5);
      }
      tf.dispose(Object.values(params));
    }
    expect(said).toEqual([]);
    await dispose();
    await bench.dispose();
  });
});

describe("a function of its own", () => {
  /** Adds a walk of draws, in loops and outside, that all rows share. */
  const walking: Partial<Inference> = {
    run(_, { observation }, { random, repeat }) {
      const from = tf.add(observation!, random.uniform([1, 2], -1, 1));
      const walk = repeat(6, { x: from }, ({ x }, i) => {
        const near = repeat(5, { y: random.normal([2]) }, ({ y }) => ({ y: tf.add(y!, random.normal([2])) }))["y"]!;
        return { x: tf.add(tf.mul(x!, 0.9), tf.mul(near, tf.add(tf.cast(i, "float32"), 1))) };
      });
      return { energy: tf.sum(walk["x"]!, 1) };
    },
  };

  test.each(["node", "c"] as const)("draws the eager engine's numbers, through the interface %s", async (api) => {
    const { said, predictWith: compiledWith, dispose } = await opened(api);
    for (const stream of [undefined, () => createStream(7, "mine")]) {
      const { inference } = energyTask({ ...walking, ...(stream && { stream }) });
      const eager = predictWith(inference, {});
      expect(await difference(inference, compiledWith(inference, {}), eager, 9)).toBeLessThan(1e-5);
      // The same at each call, and in each order of rows.
      expect(await difference(inference, eager, eager, 9)).toBe(0);
    }
    expect(said).toEqual([]);
    await dispose();
  });

  test("is compiled once, whatever the parameters and the number of rows", async () => {
    let calls = 0;
    const { inference } = energyTask();
    const counting: Inference = {
      ...inference,
      run(...given) {
        calls += 1;
        return inference.run(...given);
      },
    };
    const { predictWith: compiledWith, dispose } = await opened();
    for (const rows of [1, 2, 5000]) await compiledWith(counting, energyParams())(inference.examples(rows));
    expect(calls).toBe(1);
    await dispose();
  });

  test.each<[string, Partial<Inference>, RegExp]>([
    [
      "reads a value",
      {
        run: (_, { observation }) => ({ energy: tf.mul(tf.sum(observation!, 1), observation!.dataSync().length / 2) }),
      },
      /it reads the value of a tensor/,
    ],
    [
      "has an operation without a graph form",
      { run: (_, { observation }) => ({ energy: tf.squeeze(tf.topk(observation!, 1).values, [1]) }) },
      /it uses TopK/,
    ],
    [
      "draws for each row",
      {
        run: (_, { observation }, { random }) => ({
          energy: tf.sum(tf.add(observation!, random.normal(observation!.shape)), 1),
        }),
      },
      /one value a row of the batch/,
    ],
    [
      "lets a value out of its loop",
      {
        run(_, { observation }, { repeat }) {
          let last = observation!;
          repeat(6, { x: observation! }, ({ x }) => {
            last = tf.keep(tf.mul(x!, 2));
            return { x: last };
          });
          return { energy: tf.sum(last, 1) };
        },
      },
      /the body of its repeat makes a value that is used outside/,
    ],
    [
      "says that it reads values",
      { untraceable: "it looks before it leaps" },
      /^Inference runs eagerly: it looks before/,
    ],
  ])("that %s runs eagerly, which is said once", async (_, changed, reason) => {
    const { inference } = energyTask(changed);
    const { said, predictWith: compiledWith, dispose } = await opened();
    const params = energyParams();
    const compiled = compiledWith(inference, params);
    for (const rows of [3, 4]) {
      expect(await difference(inference, compiled, predictWith(inference, params), rows)).toBe(0);
    }
    expect(said).toEqual([expect.stringMatching(reason)]);
    await dispose();
  });

  test("that fails eagerly too fails with its own error", async () => {
    const failing: Inference["run"] = () => {
      throw new Error("on purpose");
    };
    const { inference } = energyTask({ run: failing });
    const { predictWith: compiledWith, dispose } = await opened();
    await expect(compiledWith(inference, {})(inference.examples(1))).rejects.toThrow("on purpose");
    await dispose();
  });
});

test("a model that is only asked is answered for on every backend", async () => {
  const { inference } = energyTask();
  const said: string[] = [];
  const log = { info: (text: string) => void said.push(text), warn: (text: string) => void said.push(text) };
  for (const backend of ["cpu", "wasm"] as const) {
    await useBackend(backend, { blas: false });
    const params = energyParams();
    const eager = predictWith(inference, params);
    for (const engine of ["auto", "graph", "eager"] as const) {
      const { predictWith: openedWith, dispose } = openPredictor(engine, log);
      const compiled = openedWith(inference, params);
      expect(await difference(inference, compiled, eager, 3)).toBeLessThan(1e-6);
      await dispose();
      await openPredictor(engine, log).dispose();
    }
  }
  expect(said).toEqual([]);
});

test("memory does not grow over fifty evaluations", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { inference } = energyTask({
    outputs: { energy: { shape: [500], description: "wide, so that a copy too many shows" } },
    run: (params, { observation }) => ({
      energy: tf.matMul(observation as tf.Tensor2D, params["wide"] as tf.Tensor2D),
    }),
  });
  const inputs = inference.examples(1000);
  const engine = await openGraph();
  const evaluate = async (i: number) => {
    const params = { wide: tf.fill([2, 500], i) };
    const { energy } = await engine.predictWith(inference, params)(inputs);
    expect(energy!.data[0]).toBeCloseTo(i * (inputs["observation"]!.data[0]! + inputs["observation"]!.data[1]!), 2);
    tf.dispose(params);
    collect();
  };
  for (let i = 0; i < 10; i++) await evaluate(i);
  const [tensors, heap, resident] = [tf.memory().numTensors, tensorMemory()!.memory.buffer, process.memoryUsage.rss()];
  for (let i = 0; i < 50; i++) await evaluate(i);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(tensorMemory()!.memory.buffer).toBe(heap);
  // An output is 2 MB.
  expect(process.memoryUsage.rss() - resident).toBeLessThan(40e6);
  await engine.dispose();
});

test("a run measures the same on both engines", async () => {
  const plugins = () => [particle({ ...small, inference: chain, network: { width: 16 } }), ebm({ negatives: 2 })];
  const settings = { steps: 3, batchSize: 8, validate: "2 steps" } as const;
  const [graph, eager] = [
    await trainInMemory(plugins(), adam({ lr: 1e-3 }), settings, await openGraph()),
    await trainInMemory(plugins(), adam({ lr: 1e-3 }), settings, createEagerEngine()),
  ];
  expect(Object.keys(eager.summary.metrics)).toContain("val/final_distance_goal2");
  for (const [name, value] of Object.entries(eager.summary.metrics)) {
    expect(graph.summary.metrics[name], name).toBeCloseTo(value, 4);
  }
  graph.free();
  eager.free();
});
