import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine, disposeState } from "../../../core/engine/eager.ts";
import type { Engine, HostInputs } from "../../../core/engine/engine.ts";
import { adam } from "../../../core/optimizer/adam.ts";
import type { Plugin, PluginContext } from "../../../core/plugin.ts";
import { createStream } from "../../../core/random.ts";
import type { Clock } from "../../../core/run.ts";
import { createBench } from "../../../core/testing/index.ts";
import { mapTree } from "../../../core/tree.ts";
import { ema } from "../../../plugins/training/ema/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";
import { everything, expectAlike, expectBothAlike, onThree, openGraph, plugin, trained, valuesOf } from "./engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

describe("both engines go alike", () => {
  test.each([1, 3])("through clipping, averaging and slots, over %i micro-batches", async (accumulate) => {
    await expectBothAlike(everything, 6, onThree(accumulate));
  });

  const scaled = (factor: number) => (): Plugin[] => [
    ...everything(),
    plugin("scaled", ({ hooks }) =>
      hooks.exchangeGradients.tapPromise("scaled", async (grads) => {
        const read = await Promise.all(Object.values(grads).map((g) => g.data()));
        return Object.fromEntries(
          Object.entries(grads).map(([path, { shape }], i) => [
            path,
            tf.tensor(
              read[i]!.map((g) => factor * g),
              shape,
            ),
          ]),
        );
      }),
    ),
  ];
  test.each([1, 2])("through an exchange of gradients, over %i micro-batches", async (accumulate) => {
    await expectBothAlike(scaled(-0.5), 5, onThree(accumulate));
  });

  test("with the optimizer's plain and other options", async () => {
    await expectBothAlike(() => [], 5);
    await expectBothAlike(() => ema(), 5, { ...onThree(), optimizer: adam({ lr: 0.01, epsilon: 1e-3 }) });
  });

  test("where a parameter has no part in the loss", () =>
    expectBothAlike(
      () =>
        plugin("frozen", ({ hooks }) =>
          hooks.beforeForward.tap("frozen", (params) => ({ ...params, bias: tf.zerosLike(params["bias"]!) })),
        ),
      4,
      onThree(),
    ));

  test("where hooks swap, copy and stop the state", () =>
    expectBothAlike(
      () =>
        plugin("odd", ({ hooks, slotTree }) => {
          const [a, b] = [
            slotTree("a", (params) => params),
            slotTree("b", (params) => mapTree((p) => tf.neg(p), params)),
          ];
          hooks.afterUpdate.tap("odd", (next, step) => {
            const [before, other] = [step.get(a), step.get(b)];
            step.put(a, other);
            step.put(
              b,
              mapTree((p, path) => tf.add(p, before[path]!), next.params),
            );
            return { ...next, params: { ...next.params, bias: step.params["bias"]! } };
          });
        }),
      5,
      onThree(),
    ));
});

test("a step in two halves is the whole step", async () => {
  const identity = (): Plugin =>
    plugin("identity", ({ hooks }) => hooks.exchangeGradients.tapPromise("identity", async (grads) => grads));
  const options = onThree();
  const whole = await trained(await openGraph(), everything, 5, options);
  expectAlike(await trained(await openGraph(), () => [...everything(), identity()], 5, options), whole, 1e-6);
});

test.each(["node", "c"] as const)("the interface %s repeats itself bit for bit", async (api) => {
  const options = onThree(2);
  const once = await trained(await openGraph(api), everything, 4, options);
  expect(await trained(await openGraph(api), everything, 4, options)).toEqual(once);
});

describe("programs", () => {
  /** A fixed number that changes with the steps. */
  const horizon = (at: (clock: Clock) => number) => (): Plugin =>
    plugin("horizon", ({ hooks, fixed }) => {
      const length = fixed("horizon/length", at);
      hooks.afterBackward.tap("horizon", (grads, step) => {
        step.report("length", tf.scalar(length()));
        return mapTree((g) => tf.mul(g, length() / 4), grads);
      });
    });

  test("change with their fixed values, come back, and are compiled again after more than four others", async () => {
    const { metrics } = await expectBothAlike(
      horizon(({ steps }) => 1 + (steps % 6)),
      15,
    );
    expect(metrics.map((m) => m["length"])).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3]);
  });

  test("change with the shapes of the batch", async () => {
    const changing = async (engine: Engine) => {
      const bench = createBench(ema(), undefined, { engine });
      const losses: number[] = [];
      const { program, scalarsAt, initialState } = bench.assembly;
      let state = initialState();
      for (const [i, rows] of [2, 2, 5, 2, 5, 1, 2].entries()) {
        const data = Float32Array.from({ length: rows }, (_, i) => i - 0.5);
        const inputs: HostInputs = {
          batch: { target: { dtype: "float32", shape: [rows], data } },
          scalars: scalarsAt(bench.clock),
          random: createStream(0, "step", i),
        };
        const result = await engine.run(program, state, [inputs], null);
        state = result.state;
        losses.push(result.read()["loss"]!);
      }
      disposeState(state);
      await bench.dispose();
      return losses;
    };
    const graph = await changing(await openGraph());
    for (const [i, loss] of (await changing(createEagerEngine())).entries()) expect(graph[i]).toBeCloseTo(loss, 4);
  });

  const pair = [horizon(() => 1), () => [horizon(() => 1)(), gradClip({ maxNorm: 0.1 })]] as const;
  const opened = (engines: readonly Engine[]) =>
    pair.map((make, i) => createBench(make(), undefined, { targets: [1, -2], engine: engines[i]! }));

  test.each(["one engine", "two engines"])("of two runs do not meet in %s", async (engines) => {
    const shared = await openGraph();
    const benches = opened(engines === "one engine" ? [shared, shared] : [shared, await openGraph()]);
    for (const rounds of [2, 1]) for (const bench of benches) await bench.steps(rounds);
    for (const [i, bench] of opened([createEagerEngine(), createEagerEngine()]).entries()) {
      await bench.steps(3);
      const [run, graph] = [{ metrics: [], skipped: [] }, benches[i]!];
      expectAlike({ ...run, state: valuesOf(graph) }, { ...run, state: valuesOf(bench) });
      await bench.dispose();
      await graph.dispose();
    }
  });
});

test("a state from elsewhere, as after a rollback, goes on from its values", async () => {
  const rolledBack = async (engine: Engine) => {
    const { start, ...options } = onThree();
    const bench = createBench(everything(), start(), { ...options, targets: [1, -2], engine });
    await bench.steps(2);
    const saved = bench.save();
    await bench.steps(3);
    bench.load(saved);
    const loss = await bench.steps(3);
    const state = valuesOf(bench);
    await bench.dispose();
    return { metrics: [loss], skipped: [], state };
  };
  expectAlike(await rolledBack(await openGraph()), await rolledBack(createEagerEngine()));
});

test("a slot that starts as the parameters has values of its own", async () => {
  const shadow = () =>
    plugin("shadow", ({ slotTree, slot }: PluginContext) => {
      slotTree("same", (params) => params);
      slotTree("cloned", (params) => mapTree((p) => tf.clone(p), params));
      slot("view", (params) => tf.reshape(params["kernel"]!, [6]));
    });
  const { state } = await expectBothAlike(shadow, 3, onThree());
  const initial = [0.5, -1, 2, 0.1, 3, -0.2].map(Math.fround);
  for (const path of ["slots/shadow/same/kernel", "slots/shadow/cloned/kernel", "slots/shadow/view"])
    expect(state[path]).toEqual(initial);
});
