import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { jvp } from "../../../../core/autodiff/jvp.ts";
import { stopGradient, withoutGradient } from "../../../../core/autodiff/stop-gradient.ts";
import { valueAndGrads } from "../../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { specsOf } from "../../../../core/engine/graph.ts";
import { type Node, needed } from "../../../../core/graph/node.ts";
import { traceBackward, traceStep, traceUpdate } from "../../../../core/graph/trace/step.ts";
import { trace } from "../../../../core/graph/trace/trace.ts";
import { adam } from "../../../../core/optimizer/adam.ts";
import type { Plugin, PluginContext } from "../../../../core/plugin.ts";
import { createStream } from "../../../../core/random.ts";
import type { StepContext } from "../../../../core/state.ts";
import { type BenchOptions, createBench } from "../../../../core/testing/index.ts";
import { mapTree, type Tree } from "../../../../core/tree.ts";
import { ema } from "../../../../plugins/training/ema/index.ts";
import { expectBothAlike, plugin } from "../../engine/engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

/** A bench, and the step program's shapes for a batch. */
function opened(plugins: Plugin | readonly Plugin[], options: BenchOptions = {}) {
  const bench = createBench(plugins, undefined, options);
  const { assembly, state } = bench;
  const specs = specsOf(state, {
    batch: { target: { dtype: "float32", shape: [2], data: new Float32Array(2) } },
    scalars: assembly.scalarsAt(bench.clock),
    random: createStream(0, "step"),
  });
  return { bench, program: assembly.program, specs };
}

const nodesOf = (results: Readonly<Record<string, Node>>): Node[] => needed(Object.values(results));
const loopsIn = (results: Readonly<Record<string, Node>>): number =>
  nodesOf(results).filter(({ op }) => op === "Loop").length;
/** A loss of its own, beside the toy task's. */
const loss = (compute: (params: Tree, step: StepContext, context: PluginContext) => tf.Scalar): (() => Plugin) => {
  return () =>
    plugin("mine", (context) =>
      context.loss({ name: "mine", compute: (params, _, step) => compute(params, step, context) }),
    );
};
const mean = (x: tf.Tensor): tf.Scalar => tf.mean(x) as tf.Scalar;

describe("what a step is traced to", () => {
  test("its inputs are the state by path, the batch, the scalars and the draws", async () => {
    const noisy = plugin("noisy", ({ hooks, scalar }) => {
      scalar("noisy/size", () => 0.1);
      hooks.afterBackward.tap("noisy", (grads, step) =>
        mapTree((g) => tf.add(g, tf.mul(step.scalars["noisy/size"]!, step.random.normal(g.shape))), grads),
      );
    });
    const { bench, program, specs } = opened([ema(), noisy], { optimizer: adam() });
    const graph = traceStep(program, specs);
    expect(Object.keys(graph.inputs).sort()).toEqual([
      "batch/target",
      "opt/m/w",
      "opt/v/w",
      "params/w",
      "random/0 normal",
      "scalars/ema/decay",
      "scalars/lr",
      "scalars/noisy/size",
      "scalars/optimizer/correction",
      "scalars/optimizer/epsilon",
      "slots/ema/params/w",
    ]);
    for (const [path, node] of Object.entries(graph.inputs)) expect(node.attrs["name"]).toBe(path);
    expect(Object.keys(graph.state).sort()).toEqual(Object.keys(specs.state).sort());
    expect(Object.keys(graph.metrics)).toEqual(["loss", "loss/toy"]);
    expect(graph.draws).toEqual([{ name: "random/0 normal", kind: "normal", shape: [2], min: 0, max: 1 }]);
    expect([graph.finite.shape, graph.grads["w"]!.shape]).toEqual([[], [2]]);
    await bench.dispose();
  });

  test("its halves meet at the gradients and the loss", async () => {
    const { bench, program, specs } = opened(ema());
    const [backward, update] = [traceBackward(program, specs), traceUpdate(program, specs)];
    expect(Object.keys(backward.grads)).toEqual(["w"]);
    expect(backward.slots["slots/ema/params/w"]).toBe(backward.inputs["slots/ema/params/w"]);
    const read = nodesOf({ ...update.state, finite: update.finite }).filter(({ op }) => op === "Input");
    expect(read.map(({ attrs }) => attrs["name"]).sort()).toEqual([
      "grads/w",
      "metrics/loss",
      "params/w",
      "scalars/ema/decay",
      "scalars/lr",
      "slots/ema/params/w",
    ]);
    await bench.dispose();
  });

  test("the same twice", async () => {
    const { bench, program, specs } = opened(ema());
    const ids = () => nodesOf(traceStep(program, specs).state).map(({ id, op, shape }) => [id, op, shape]);
    expect(ids()).toEqual(ids());
    await bench.dispose();
  });

  test("every node says who recorded it", async () => {
    const { bench, program, specs } = opened([ema(), loss((params) => mean(tf.exp(params["w"]!)))()]);
    const origins = new Set(nodesOf(traceStep(program, specs).state).map(({ origin }) => origin));
    for (const who of ["ema, afterUpdate", "mine, loss", "toy, loss", "the backward pass", "optimizer sgd"])
      expect(origins).toContain(who);
    await bench.dispose();
  });

  test("a tensor from outside becomes a constant, and stays where it is", async () => {
    const captured = tf.tensor1d([0.25, -4]);
    const { bench, program, specs } = opened(loss((params) => mean(tf.mul(params["w"]!, captured)))());
    const graph = traceStep(program, specs);
    const constants = nodesOf(graph.state).filter(({ op }) => op === "Const");
    expect(constants.map(({ values }) => Array.from(values!))).toEqual([[0.25, -4]]);
    expect(Array.from(captured.dataSync())).toEqual([0.25, -4]);
    captured.dispose();
    await bench.dispose();
  });
});

describe("tfjs around a trace", () => {
  let tensors = 0;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  /** What tfjs' engine keeps between calls. */
  const engineState = () => {
    const { gradientDepth, kernelDepth, activeScope, scopeStack } = tf.engine().state;
    return { gradientDepth, kernelDepth, scope: activeScope?.name, scopes: scopeStack.length };
  };

  test("nothing leaks and nothing moves", async () => {
    const before = engineState();
    const { bench, program, specs } = opened([ema(), loss((params) => mean(tf.exp(params["w"]!)))()]);
    const open = tf.memory().numTensors;
    for (const record of [traceStep, traceBackward, traceUpdate]) {
      record(program, specs);
      expect(tf.memory().numTensors).toBe(open);
      expect(tf.getBackend()).toBe("wasm");
      expect(engineState()).toEqual(before);
    }
    await bench.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("the same after a throw, wherever it comes from", async () => {
    const fail = (x: tf.Tensor): never => {
      tf.exp(x);
      throw new Error("on purpose");
    };
    const before = engineState();
    const in_ = (where: string) =>
      plugin("bad", ({ hooks, loss }) => {
        if (where === "loss") loss({ name: "bad", compute: (p) => tf.tidy(() => fail(p["w"]!)) });
        if (where === "beforeStep") hooks.beforeStep.tap("bad", (batch) => fail(batch["target"]!));
        if (where === "jvp")
          loss({
            name: "bad",
            compute: (p) => jvp(fail, [p["w"]!], [tf.ones([2])]).value,
          });
        if (where === "afterUpdate") hooks.afterUpdate.tap("bad", ({ params }) => fail(params["w"]!));
      });
    for (const where of ["loss", "beforeStep", "jvp", "afterUpdate"]) {
      const { bench, program, specs } = opened(in_(where));
      expect(() => traceStep(program, specs), where).toThrow("on purpose");
      expect([tf.getBackend(), engineState()]).toEqual(["wasm", before]);
      expect(
        Array.from(
          tf.tidy(() =>
            tf
              .grad((x) => tf.sum(tf.square(x)))(bench.state.params["w"]!)
              .dataSync(),
          ),
        ),
      ).toEqual([6, 8]);
      await bench.dispose();
    }
  });

  test("a tensor that a step made and kept is refused the next time", async () => {
    let kept: tf.Tensor | undefined;
    const caching = loss((params) => {
      kept ??= tf.keep(tf.exp(tf.range(0, 2)));
      return mean(tf.mul(params["w"]!, kept));
    });
    const { bench, program, specs } = opened(caching());
    traceStep(program, specs);
    expect(() => traceStep(program, specs)).toThrow(
      /\(mine, loss\) uses a tensor that it made, and kept.*MF_TRACE_KEPT/,
    );
    kept!.dispose();
    await bench.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("tensors of the trace die with it", () => {
    const x = trace(({ build, tensor }) => tf.keep(tf.exp(tensor(build.input("x", [2])))));
    expect(() => x.dataSync()).toThrow("MF_TRACE_KEPT");
    x.dispose();
  });
});

describe("draws", () => {
  /** Reports what it draws, wherever a step may draw. */
  const drawing = () =>
    plugin("drawing", ({ hooks, loss }) => {
      const total = (x: tf.Tensor): tf.Scalar =>
        tf.sum(tf.mul(x, tf.range(1, x.size + 1).reshape(x.shape))) as tf.Scalar;
      const walk = (step: StepContext, times: number, inner = 0): tf.Tensor =>
        step.repeat(times, { x: tf.zeros([3]) }, ({ x }, i) => {
          const here = tf.add(x!, tf.mul(step.random.normal([3]), tf.add(tf.cast(i, "float32"), 1)));
          const again = inner === 0 ? here : tf.add(here, tf.mul(0.5, walk(step, inner)));
          return { x: tf.add(again, step.random.uniform([3], -1, i.size)) };
        })["x"]!;
      hooks.beforeStep.tap("drawing", (batch, step) => {
        step.report("before", total(step.random.normal([2, 3])));
        step.report("range", total(step.random.uniform([4], 5, 7)));
        step.report("looped", total(walk(step, 7)));
        step.report("nested", total(walk(step, 6, 5)));
        step.report("unrolled", total(walk(step, 3, 6)));
        step.report("unrolled inside", total(walk(step, 6, 2)));
        return batch;
      });
      loss({
        name: "noise",
        compute: (params, _, step) =>
          mean(tf.mul(params["w"]!, tf.add(step.random.normal([2]), walk(step, 6).slice(1)))),
      });
      hooks.afterBackward.tap("drawing", (grads, step) => {
        step.report("after", total(walk(step, 5)));
        return mapTree((g) => tf.add(g, step.random.uniform(g.shape, -0.1, 0.1)), grads);
      });
      hooks.afterUpdate.tap("drawing", (next, step) => {
        step.report("last", total(step.random.normal([1])));
        return next;
      });
    });

  test("are the eager engine's numbers, in hooks, losses, loops and loops in loops", async () => {
    const { metrics } = await expectBothAlike(drawing, 3, {}, 2e-6);
    expect(metrics[0]!["looped"]).not.toBe(metrics[1]!["looped"]);
  });

  test("the same in accumulated steps", () => expectBothAlike(drawing, 3, { settings: { accumulate: 3 } }, 2e-6));
});

describe("repeat", () => {
  const pulled = (times: number) => () =>
    plugin("pulled", ({ hooks }) =>
      hooks.afterUpdate.tap("pulled", (next, step) => {
        const { w, v } = step.repeat(times, { w: next.params["w"]!, v: tf.zeros([2]) }, ({ w, v }, i) => {
          const speed = tf.sub(tf.mul(v!, 0.5), tf.mul(0.01, tf.add(w!, tf.cast(i, "float32"))));
          return { w: tf.add(w!, speed), v: speed };
        });
        step.report("speed", tf.sum(v!) as tf.Scalar);
        return { ...next, params: { w: w! } };
      }),
    );

  test.each([0, 1, 4, 5, 20])("%i times, alike on both engines", async (times) => {
    await expectBothAlike(pulled(times));
    const { bench, program, specs } = opened(pulled(times)());
    expect(loopsIn(traceStep(program, specs).state)).toBe(times > 4 ? 1 : 0);
    await bench.dispose();
  });

  test("under a gradient is unrolled and differentiated", async () => {
    const unrolled = loss((params, step) => {
      const { w } = step.repeat(6, { w: params["w"]! }, ({ w }, i) => ({
        w: tf.sub(w!, tf.mul(0.1, tf.add(tf.sin(w!), tf.cast(i, "float32")))),
      }));
      return mean(tf.square(w!));
    });
    await expectBothAlike(unrolled);
    const { bench, program, specs } = opened(unrolled());
    expect(loopsIn(traceStep(program, specs).state)).toBe(0);
    await bench.dispose();
  });

  test("under a jvp is unrolled and differentiated", () =>
    expectBothAlike(
      loss((params, step) => {
        const walk = (x: tf.Tensor): tf.Tensor =>
          step.repeat(6, { x }, ({ x }) => ({ x: tf.sub(x!, tf.mul(0.1, tf.sin(x!))) }))["x"]!;
        const { value, tangent } = jvp(walk, [params["w"]!], [tf.tensor1d([1, -1])]);
        return mean(tf.square(tf.add(value, tangent)));
      }),
    ));

  test("in a stopped part of the loss is a loop, and a constant to the gradient", async () => {
    const stopped = loss((params, step) => {
      const walked = withoutGradient(
        () => step.repeat(6, { w: params["w"]! }, ({ w }) => ({ w: tf.mul(w!, 0.9) }))["w"]!,
      );
      return mean(tf.square(tf.sub(params["w"]!, stopGradient(walked))));
    });
    await expectBothAlike(stopped);
    const { bench, program, specs } = opened(stopped());
    expect(loopsIn(traceStep(program, specs).state)).toBe(1);
    await bench.dispose();
  });

  test("takes gradients in its body, as Langevin dynamics does", async () => {
    const langevin = loss((params, step) => {
      const energy = (x: tf.Tensor, w: tf.Tensor): tf.Scalar =>
        tf.sum(tf.add(tf.pow(x, 4), tf.mul(tf.square(x), tf.square(w)))) as tf.Scalar;
      const sample = withoutGradient(
        () =>
          step.repeat(8, { x: step.random.normal([5, 2]) }, ({ x }) => {
            const { grads } = valueAndGrads((p) => energy(p["x"]!, params["w"]!), { x: x! });
            const noise = tf.mul(step.random.normal([5, 2]), 0.1);
            return { x: tf.clipByValue(tf.add(tf.sub(x!, tf.mul(grads["x"]!, 0.01)), noise), -2, 2) };
          })["x"]!,
      );
      return mean(tf.sub(energy(step.random.normal([5, 2]), params["w"]!), energy(sample, params["w"]!)));
    });
    await expectBothAlike(langevin, 4, {}, 3e-6);
    const { bench, program, specs } = opened(langevin());
    expect(loopsIn(traceStep(program, specs).state)).toBe(1);
    await bench.dispose();
  });

  /** Six iterations of a body, in beforeStep. */
  const six = (start: () => Tree, body: (state: Tree, i: tf.Scalar, step: StepContext) => Tree) =>
    opened(
      plugin("mine", ({ hooks }) =>
        hooks.beforeStep.tap("mine", (batch, step) => {
          const end = step.repeat(6, start(), (state, i) => body(state, i, step));
          for (const [name, value] of Object.entries(end)) step.report(name, tf.sum(value) as tf.Scalar);
          return batch;
        }),
      ),
    );

  test.each<[string, Parameters<typeof six>, string]>([
    [
      "a type that changes",
      [() => ({ x: tf.scalar(0, "int32") }), ({ x }) => ({ x: tf.add(tf.cast(x!, "float32"), 0.5) })],
      'turns "x" from int32 [] to float32 []',
    ],
    [
      "a shape that changes",
      [() => ({ x: tf.zeros([1]) }), ({ x }) => ({ x: tf.concat([x!, x!]) })],
      'turns "x" from float32 [1] to float32 [2]',
    ],
    [
      "a name that is missing",
      [() => ({ x: tf.zeros([1]), y: tf.zeros([1]) }), ({ x }) => ({ x: x! })],
      'returns no "y"',
    ],
    [
      "a value of an inner iteration in the outer one",
      [
        () => ({ x: tf.zeros([1]) }),
        ({ x }, _, step) => {
          let inner = x!;
          step.repeat(5, { x: x! }, ({ x }) => {
            inner = tf.add(x!, 1);
            return { x: inner };
          });
          return { x: inner };
        },
      ],
      "makes a value that is used outside of it",
    ],
  ])("refuses %s", async (_, [start, body], problem) => {
    const { bench, program, specs } = six(start, body);
    expect(() => traceStep(program, specs)).toThrow(`The body of step.repeat (mine, beforeStep) ${problem}`);
    await bench.dispose();
  });

  test("carries what a body hands on unchanged, swapped, constant or of another type", () =>
    expectBothAlike(() =>
      plugin("odd", ({ hooks }) =>
        hooks.afterBackward.tap("odd", (grads, step) => {
          const start = {
            same: grads["w"]!,
            a: tf.tensor1d([1, 2]),
            b: tf.tensor1d([3, 4]),
            constant: tf.zeros([2]),
            count: tf.scalar(0, "int32"),
            even: tf.scalar(true, "bool"),
          };
          const end = step.repeat(7, start, ({ same, a, b, count, even }) => ({
            same: same!,
            a: b!,
            b: a!,
            constant: tf.ones([2]),
            count: tf.add(count!, tf.scalar(2, "int32")),
            even: tf.logicalNot(even!),
          }));
          for (const [name, value] of Object.entries(end))
            step.report(name, tf.sum(tf.mul(tf.cast(value, "float32"), tf.tensor1d([1, 3]))) as tf.Scalar);
          return grads;
        }),
      ),
    ));
});

afterEach(() => expect(tf.getBackend()).toBe("wasm"));
