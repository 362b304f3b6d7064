import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";
import { openEngine } from "../../../core/engine/open.ts";
import type { Plugin, PluginContext } from "../../../core/plugin.ts";
import { type BenchOptions, createBench } from "../../../core/testing/index.ts";
import { mapTree, type Tree } from "../../../core/tree.ts";
import { everything, expectAlike, onThree, openGraph, plugin, type Trained, trained, valuesOf } from "./engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const mine = (setup: (context: PluginContext) => void) => () => plugin("mine", setup);
/** A plugin whose gradients pass through `f`. */
const tapped = (f: (grads: Tree, context: PluginContext) => Tree) =>
  mine((context) => context.hooks.afterBackward.tap("mine", (grads) => f(grads, context)));
/** A number from outside that grows by one after each step. */
const counting = (use: (grads: Tree, count: number) => Tree) =>
  mine(({ hooks }) => {
    let count = 1;
    hooks.onStep.tap("mine", () => {
      count += 1;
    });
    hooks.afterBackward.tap("mine", (grads) => use(grads, count));
  });

async function auto(make: () => Plugin, steps: number): Promise<Trained & { warnings: string[]; engine: string }> {
  const warnings: string[] = [];
  const engine = await openEngine("auto", "cpu", { info: () => {}, warn: (text) => void warnings.push(text) });
  const run = await trained(engine, make, steps);
  return { ...run, warnings, engine: engine.name };
}

/** Steps that only the eager engine can run, and what the graph engine says at which step. */
const untraceable: readonly [title: string, make: () => Plugin, failsAt: number, message: RegExp][] = [
  [
    "an unknown kernel in a loss",
    mine(({ loss }) =>
      loss({
        name: "mine",
        compute: (params) =>
          tf.tidy(() => {
            const image = tf.reshape(params["w"]!, [1, 1, 2, 1]) as tf.Tensor4D;
            return tf.sum(tf.avgPool(image, [1, 2], 1, "valid")) as tf.Scalar;
          }),
      }),
    ),
    1,
    /^The training step \(mine, loss\) uses AvgPool, which the graph engine cannot record\..*\[MF_TRACE_KERNEL\]$/,
  ],
  [
    "an unknown kernel in a hook",
    tapped((grads) => mapTree((g) => tf.mul(g, tf.topk(tf.abs(g), 1).values), grads)),
    1,
    /^The training step \(mine, afterBackward\) uses TopK,/,
  ],
  [
    "the run's clock",
    tapped((grads, { run }) => mapTree((g) => tf.div(g, 1 + run.clock.steps), grads)),
    1,
    /^The training step \(mine, afterBackward\) reads the clock,.*context\.scalar\(\) or context\.fixed\(\).*\[MF_TRACE_CLOCK\]$/,
  ],
  [
    "a loop that changes a shape",
    mine(({ hooks }) =>
      hooks.beforeStep.tap("mine", (batch, step) => {
        const { x } = step.repeat(5, { x: batch["target"]! }, ({ x }) => ({ x: tf.concat([x!, tf.ones([1])]) }));
        return { target: x! };
      }),
    ),
    1,
    /^The body of step\.repeat \(mine, beforeStep\) turns "x" from float32 \[1\] to float32 \[2\],.*\[MF_TRACE_REPEAT\]$/,
  ],
  [
    "a number that changes",
    counting((grads, count) => mapTree((g) => tf.mul(g, 0.1 * count), grads)),
    2,
    /^The training step \(mine, afterBackward\) is not the same at two times: Splat value 0\.1\d* became value 0\.2\d*\. Declare.*\[MF_TRACE_CHANGED\]$/,
  ],
  [
    "a tensor that changes",
    counting((grads, count) => mapTree((g) => tf.mul(g, tf.tensor1d([count, 1])), grads)),
    2,
    /^The training step \(mine, afterBackward\) is not the same at two times: /,
  ],
  [
    "a shape that changes",
    counting((grads, count) => mapTree((g) => tf.mul(g, tf.mean(tf.range(0, 2 + count))), grads)),
    2,
    /^The training step \(mine, afterBackward\) is not the same at two times: /,
  ],
  [
    "the range of a draw that changes",
    mine(({ hooks }) => {
      let range = 0.5;
      hooks.onStep.tap("mine", () => {
        range /= 2;
      });
      hooks.afterBackward.tap("mine", (grads, step) =>
        mapTree((g) => tf.add(g, step.random.uniform(g.shape, -range, range)), grads),
      );
    }),
    2,
    /^The training step \(mine, afterBackward\) is not the same at two times: Input name random\/0 uniform in \[-0\.5, 0\.5\) became/,
  ],
];

describe.each(untraceable)("%s", (_, make, failsAt, message) => {
  test("ends a run on the graph engine, at once", async () => {
    const bench = createBench(make(), undefined, { engine: await openGraph() });
    await bench.steps(failsAt - 1);
    const before = valuesOf(bench);
    await expect(bench.step()).rejects.toThrow(message);
    expect(valuesOf(bench)).toEqual(before);
    await bench.dispose();
  });

  test("is run eagerly by auto, with one warning", async () => {
    const { warnings, engine, ...run } = await auto(make, 5);
    expect(warnings).toEqual([expect.stringMatching(/ Running eagerly\.$/)]);
    expect(warnings[0]!.replace(/ Running eagerly\.$/, "")).toMatch(message);
    expect(engine).toBe("eager");
    expectAlike(run, await trained(createEagerEngine(), make, 5), failsAt === 1 ? 0 : 1e-6);
  });
});

/** Steps that no engine runs. */
const impure: readonly [title: string, make: () => Plugin, message: RegExp][] = [
  [
    "reads a tensor",
    tapped((grads) => mapTree((g) => tf.mul(g, g.dataSync()[0]!), grads)),
    /A tensor was read \(dataSync\) while the training step ran \(mine, afterBackward\)/,
  ],
  [
    "drops out",
    mine(({ hooks }) => hooks.beforeForward.tap("mine", (params) => mapTree((p) => tf.dropout(p, 0.5), params))),
    /The training step \(mine, beforeForward\) drew from Math\.random/,
  ],
  [
    "throws",
    tapped(() => {
      throw new Error("on purpose");
    }),
    /Plugin "mine" failed in afterBackward: on purpose/,
  ],
];

test.each(impure)("a step that %s ends the run on every engine", async (_, make, message) => {
  for (const name of ["eager", "graph", "auto"] as const) {
    const engine = await openEngine(name, "cpu", { info: () => {}, warn: () => {} });
    await expect(trained(engine, make, 1)).rejects.toThrow(message);
  }
});

test("without the wasm backend there is no graph engine, and auto is eager", async () => {
  await useBackend("cpu");
  const log = { info: () => {}, warn: () => {} };
  await expect(openEngine("graph", "cpu", log)).rejects.toThrow("MF_ENGINE_BACKEND");
  expect((await openEngine("auto", "cpu", log)).name).toBe("eager");
  await useBackend("wasm", { blas: false });
});

describe("a step that is not finite", () => {
  /** Zero, and at the third step 0/0. */
  const poison = ({ scalar }: PluginContext): ((scalars: Readonly<Record<string, tf.Scalar>>) => tf.Scalar) => {
    scalar("mine/poison", ({ steps }) => (steps === 2 ? 0 : 1));
    return (scalars) => tf.div(0, scalars["mine/poison"]!);
  };
  const inLoss = mine((context) => {
    const at = poison(context);
    context.loss({ name: "mine", compute: (_, __, step) => at(step.scalars) });
  });
  const inGradient = mine((context) => {
    const at = poison(context);
    context.hooks.afterBackward.tap("mine", (grads, step) => mapTree((g) => tf.add(g, at(step.scalars)), grads));
  });
  const inExchange = mine(({ hooks }) =>
    hooks.exchangeGradients.tapPromise("mine", async (grads, clock) =>
      mapTree((g) => tf.add(g, clock.steps === 2 ? Number.POSITIVE_INFINITY : 0), grads),
    ),
  );
  const exchanging = () =>
    plugin("exchanging", ({ hooks }) => hooks.exchangeGradients.tapPromise("exchanging", async (grads) => grads));
  // The sixth sample is in the third step, and the second micro-batch, of two.
  const targets = [1, -2, 0.5, 3, 2, Number.NaN, 1, 1, 0.3, 2, 1, 2, 0, 1, 2, 3];
  const cases: readonly [title: string, make: () => Plugin[], options: BenchOptions & { start: () => Tree }][] = [
    ["in the loss", () => [inLoss(), ...everything()], onThree()],
    ["in a gradient", () => [inGradient(), ...everything()], onThree()],
    ["in the loss, of a split step", () => [inLoss(), exchanging(), ...everything()], onThree()],
    ["in an exchanged gradient", () => [inExchange(), ...everything()], onThree()],
    ["in an exchanged gradient of two micro-batches", () => [inExchange(), ...everything()], onThree(2)],
    ["in the data of the second micro-batch", everything, { ...onThree(2), targets }],
    ["in the data of a batch", everything, { ...onThree(), settings: { batchSize: 2 }, targets }],
  ];

  test.each(cases)("%s changes no bit of the state", async (_, make, { start, ...options }) => {
    const from = start();
    const bench = createBench(make(), from, { targets: [1, -2, 0.5, 3], ...options, engine: await openGraph() });
    tf.dispose(from as tf.NamedTensorMap);
    await bench.steps(2);
    const before = valuesOf(bench);
    const metrics = await bench.step();
    expect(bench.clock.skipped).toBe(1);
    expect(valuesOf(bench)).toEqual(before);
    expect(Object.keys(metrics)).toContain("loss/toy");
    await bench.step();
    expect(bench.clock.skipped).toBe(1);
    expect(valuesOf(bench)).not.toEqual(before);
    await bench.dispose();
  });

  test.each(cases)("%s is skipped alike by both engines", async (_, make, options) => {
    const [graph, eager] = [
      await trained(await openGraph(), make, 5, options),
      await trained(createEagerEngine(), make, 5, options),
    ];
    expect(graph.skipped).toEqual([false, false, true, false, false]);
    expectAlike(graph, eager, 2e-6);
  });
});

describe("memory that is not there", () => {
  const drawing = (floats: number) =>
    mine(({ hooks }) =>
      hooks.afterBackward.tap("mine", (grads, step) =>
        mapTree((g) => tf.add(g, tf.mean(step.random.normal([floats]))), grads),
      ),
    );
  test.each([2 ** 29, 2 ** 30 - 2 ** 13, 2 ** 30, 2 ** 30 + 16])(
    "for %i floats is an error, and the state is as before",
    async (floats) => {
      const bench = createBench(drawing(floats)(), undefined, { engine: await openGraph() });
      await expect(bench.step()).rejects.toThrow("MF_GRAPH_MEMORY");
      expect(valuesOf(bench)).toEqual({ "params/w": [3, 4] });
      await bench.dispose();
    },
  );
});

test.each<[string, (grads: Tree) => Tree]>([
  ["no gradient", () => ({})],
  ["a gradient of another shape", (grads) => mapTree((g) => tf.sum(g), grads)],
])("an exchange that returns %s is refused", async (_, exchange) => {
  const make = mine(({ hooks }) => hooks.exchangeGradients.tapPromise("mine", async (grads) => exchange(grads)));
  await expect(trained(await openGraph(), make, 1)).rejects.toThrow('no gradient of shape [2] for "w"');
});
