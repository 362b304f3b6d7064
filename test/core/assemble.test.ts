import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { assemble } from "../../core/assemble.ts";
import type { Dataset } from "../../core/data/dataset.ts";
import { createMetricStream } from "../../core/metrics/stream.ts";
import { sgd } from "../../core/optimizer/sgd.ts";
import { definePlugin, type PluginContext, type PluginFactory } from "../../core/plugin.ts";
import { clockAtStart } from "../../core/run.ts";
import { createRunControl } from "../../core/run-control.ts";
import type { Batch } from "../../core/state.ts";
import type { Model } from "../../core/task.ts";
import { createBench, toyTask, useBackend } from "../../core/testing/index.ts";
import type { Tree } from "../../core/tree.ts";

beforeAll(async () => void (await useBackend("cpu")));

const named = <A>(
  name: string,
  setup: (context: PluginContext) => A,
  requires: readonly PluginFactory<never, unknown>[] = [],
) => definePlugin({ name, summary: "", options: z.strictObject({}), requires, setup });

const settings = {
  seed: 0,
  steps: 1,
  epochs: null,
  batchSize: 1,
  accumulate: 1,
  learningRate: 0.1,
  config: {},
};
const bare = (plugins: Parameters<typeof assemble>[0]) =>
  assemble(plugins, sgd(), {
    run: createRunControl("test", null).run,
    settings,
    metrics: createMetricStream(() => {}),
    log: { info: () => {}, warn: () => {} },
  });

test("a plugin is set up after what it requires, otherwise in the order given", () => {
  const order: string[] = [];
  const note = (name: string, requires: readonly PluginFactory<never, unknown>[] = []) =>
    named(name, () => void order.push(name), requires);
  const last = note("last");
  createBench([note("first", [last])(), note("second")(), last()]);
  expect(order).toEqual(["last", "first", "second"]);
});

test("a plugin's model is the task's, whichever comes first, and its formula for a gradient if there is one", () => {
  const double = { init: () => ({}), apply: (_: Tree, { x }: Batch) => tf.mul(x!, 2) };
  const seen = (model: Model) => {
    const asked: Model[] = [];
    const reader = named("reader", ({ model, loss }) => {
      asked.push(model);
      loss({ name: "none", compute: () => tf.scalar(0) });
    });
    const task = named("task", ({ task }) => task({ name: "double", model, dataset: () => ({}) as Dataset }));
    bare([reader(), task()]);
    return asked[0]!;
  };
  const x = tf.tensor1d([1, 2]);
  expect(seen(double).apply({}, { x }).arraySync()).toEqual([2, 4]);
  expect(seen(double).inputGradient!({}, { x }, "x")).toBe(null);
  const formula = (_: Tree, { x }: Batch, name: string) => (name === "x" ? tf.fill(x!.shape, 2) : null);
  const { inputGradient } = seen({ ...double, inputGradient: formula });
  expect(inputGradient!({}, { x }, "x")!.arraySync()).toEqual([2, 2]);
  expect(inputGradient!({}, { x }, "y")).toBe(null);
});

test("use() gives the api of a required plugin, and refuses one that is not declared", () => {
  const shop = named("shop", () => ({ price: 42 }));
  let price = 0;
  const buyer = named(
    "buyer",
    ({ use }) => {
      price = use(shop).price;
    },
    [shop],
  );
  createBench([buyer(), shop()]);
  expect(price).toBe(42);
  const thief = named("thief", ({ use }) => void use(shop));
  expect(() => createBench([shop(), thief()])).toThrow('Plugin "thief" used "shop" without declaring it');
});

test("a required plugin that is not in the run is named", () => {
  const shop = named("shop", () => {});
  expect(() => createBench(named("buyer", () => {}, [shop])())).toThrow(
    'Plugin "buyer" needs "shop", which is not in this run.',
  );
});

test("plugins that require each other are told so", () => {
  const names = ["a", "b"] as const;
  const stub = (name: string) => ({ pluginName: name }) as PluginFactory<never, unknown>;
  const [a, b] = names.map((name, i) => named(name, () => {}, [stub(names[1 - i]!)]));
  expect(() => createBench([a!(), b!()])).toThrow("Plugins require each other in a circle: a → b → a.");
});

test("a plugin given twice is refused", () => {
  const one = named("one", () => {});
  expect(() => createBench([one(), one()])).toThrow('Plugin "one" is in this run twice.');
});

test("a run without a task, with two, and without a loss is refused", () => {
  expect(() => bare([])).toThrow("No plugin of this run brings a task");
  const other = named("other", ({ task }) =>
    task({
      name: "other",
      model: { init: () => ({}), apply: () => tf.scalar(0) },
      dataset: () => {
        throw new Error("no data");
      },
    }),
  );
  expect(() => bare([toyTask([0]), other()])).toThrow("These plugins each bring a task: toy, other.");
  expect(() => bare([other()])).toThrow("No plugin of this run adds a loss term.");
});

test("what two plugins declare under one name is refused, naming both", () => {
  const lr = (name: string) => named(name, ({ scalar }) => scalar("lr", () => 0.1))();
  expect(() => createBench([lr("one"), lr("two")])).toThrow(
    'Plugin "two" declares the scalar "lr", which "one" already declares.',
  );
});

test("two plugins cannot both choose the parameters that are evaluated", () => {
  const chooser = (name: string) => named(name, ({ evaluationParams }) => evaluationParams((s) => s.params))();
  expect(() => createBench([chooser("one"), chooser("two")])).toThrow("MF_DECLARED_TWICE");
});

test("a declaration after setup is refused", () => {
  let late: PluginContext | undefined;
  createBench(
    named("late", (context) => {
      late = context;
    })(),
  );
  expect(() => late!.scalar("x", () => 1)).toThrow('Plugin "late" called context.scalar() after setup.');
});

test("a setup that throws is named, with its cause", () => {
  const cause = new Error("boom");
  const broken = named("broken", () => {
    throw cause;
  });
  expect(() => createBench(broken())).toThrow('Plugin "broken" failed while it was set up: boom [MF_SETUP_FAILED]');
});

test("a scalar that is not a finite number is named before it reaches the step", async () => {
  const bench = createBench(named("bad", ({ scalar }) => scalar("bad/number", () => 0 / 0))());
  await expect(bench.step()).rejects.toThrow('The scalar "bad/number" became NaN.');
});

test("disposers run once, in reverse order, and one that throws does not stop the others", async () => {
  const freed: number[] = [];
  const holder = named("holder", ({ onDispose }) => {
    onDispose(() => void freed.push(1));
    onDispose(() => {
      throw new Error("stuck");
    });
    onDispose(async () => void freed.push(3));
  });
  const assembly = bare([toyTask([0]), holder()]);
  expect((await assembly.dispose()).map(String)).toEqual(["Error: stuck"]);
  expect(await assembly.dispose()).toEqual([]);
  expect(freed).toEqual([3, 1]);
});

test("the initial state is a function of the seed, and owns each of its tensors", () => {
  const copy = named("copy", ({ slotTree }) => void slotTree("of", (params) => params));
  const assembly = bare([toyTask([0]), copy()]);
  const before = tf.memory().numTensors;
  const state = assembly.initialState();
  state.params["w"]!.dispose();
  expect(Array.from(state.slots["copy/of/w"]!.dataSync())).toEqual([3, 4]);
  state.slots["copy/of/w"]!.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test("memory is copied when it is saved and when it is loaded", () => {
  let list = [1];
  const keeper = named("keeper", ({ memory }) =>
    memory<number[]>({
      save: () => list,
      load: (saved) => {
        list = saved;
      },
    }),
  );
  const assembly = bare([toyTask([0]), keeper()]);
  const saved = assembly.saveMemory();
  list.push(2);
  expect(saved).toEqual({ keeper: [1] });
  assembly.loadMemory(saved, {});
  list.push(3);
  expect(saved).toEqual({ keeper: [1] });
});

test("a plugin's memory is loaded with the version it was saved with", () => {
  const versions: number[] = [];
  const keeper = definePlugin({
    name: "keeper",
    summary: "",
    options: z.strictObject({}),
    stateVersion: 3,
    setup: ({ memory }) => memory<number>({ save: () => 0, load: (_value, version) => void versions.push(version) }),
  });
  const assembly = bare([toyTask([0]), keeper()]);
  assembly.loadMemory({ keeper: 0 }, { keeper: 2 });
  expect(versions).toEqual([2]);
});

test("without a schedule the learning rate is the optimizer's", () => {
  expect(bare([toyTask([0])]).scalarsAt(clockAtStart)).toEqual({ lr: 0.01 });
});

test("every declaration is listed with its plugin", () => {
  const busy = named("busy", ({ scalar, slot, every }) => {
    scalar("busy/x", () => 1);
    slot("y", () => tf.scalar(0));
    every("5 steps", () => {});
  });
  expect(bare([toyTask([0]), busy()]).declarations).toEqual([
    { kind: "task", name: "toy", plugin: "toy" },
    { kind: "loss", name: "toy", plugin: "toy" },
    { kind: "scalar", name: "busy/x", plugin: "busy" },
    { kind: "slot", name: "busy/y", plugin: "busy" },
    { kind: "interval", name: "5 steps", plugin: "busy" },
  ]);
});
