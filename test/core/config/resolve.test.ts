import { expect, test } from "vitest";
import { z } from "zod";
import { type Config, defineConfig, without } from "../../../core/config/define.ts";
import type { LoadedConfig } from "../../../core/config/load.ts";
import { readFlags } from "../../../core/config/overrides.ts";
import { configFromData, registryWith, resolveConfig } from "../../../core/config/resolve.ts";
import { adamW, sgd } from "../../../core/optimizer/index.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { average, earlyStopping, other, reach, reachBasic, registry } from "./registry.ts";

const file = (config: Config, asked = false): LoadedConfig => ({
  name: "mf.config.ts",
  path: "mf.config.ts",
  asked,
  config,
  locate: () => "mf.config.ts",
});
const document = (value: unknown, asked = false): LoadedConfig => ({
  name: "mf.config.yaml",
  path: "mf.config.yaml",
  asked,
  document: value,
  locate: (path) => `mf.config.yaml:${path.length}`,
});
const names = (config: { plugins: readonly { name: string }[] }) => config.plugins.map((p) => p.name);

test("layers lie over each other: defaults, preset, file, environment, command line", () => {
  const config = resolveConfig({
    registry,
    file: document({ preset: "reach-basic", train: { batchSize: 1, accumulate: 2, seed: 3 }, optimizer: { lr: 1e-5 } }),
    env: { MF_ACCUMULATE: "4", MF_SEED: "5" },
    flags: readFlags(["--seed", "6"], registry).settings,
  });
  expect(config.train).toMatchObject({ steps: 5000, batchSize: 1, accumulate: 4, seed: 6, validate: "500 steps" });
  expect(config.origins).toMatchObject({
    preset: "mf.config.yaml:1",
    "train.steps": "preset reach-basic",
    "train.batchSize": "mf.config.yaml:2",
    "train.accumulate": "MF_ACCUMULATE",
    "train.seed": "--seed",
    "train.validate": "default",
    "optimizer.lr": "mf.config.yaml:2",
    "optimizer.name": "preset reach-basic",
    "plugins.reach.robot": "preset reach-basic",
    "plugins.reach.size": "default",
    "plugins.average": "preset reach-basic",
  });
});

test("the data of a resolved configuration resolves to the same configuration", () => {
  const flags = readFlags(
    ["--optimizer", "sgd", "--no-average", "--early-stopping", "--name", "first"],
    registry,
  ).settings;
  const config = resolveConfig({ registry, preset: "reach-basic", flags });
  const again = configFromData(JSON.parse(JSON.stringify(config.data)), registry);
  expect(again.data).toEqual(config.data);
  expect(names(again)).toEqual(["reach", "early-stopping"]);
  expect(again).toMatchObject({
    preset: "reach-basic",
    name: "first",
    backend: "auto",
    engine: "auto",
    train: config.train,
  });
  expect(again.optimizer.options).toEqual(config.optimizer.options);
});

test("the data of a configuration names every option, in the order of the run", () => {
  const { data } = resolveConfig({ registry, preset: "reach-basic" });
  expect(data).toMatchObject({
    preset: "reach-basic",
    name: null,
    optimizer: { name: "adamw", lr: 2e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    plugins: { reach: { robot: "ur10", size: 64, noise: { deviation: 0.1, shared: false } }, average: { decay: 0.99 } },
  });
  expect(JSON.stringify(data)).toMatch(/"reach":.*"average":/);
});

test("a data file adds, changes and removes plugins, and reaches the task under its own name", () => {
  const config = resolveConfig({
    registry,
    file: document({
      preset: "reach-basic",
      task: { robot: "panda", noise: { deviation: 0.5 } },
      plugins: { average: false, "early-stopping": { patience: 2 } },
    }),
  });
  expect(names(config)).toEqual(["reach", "early-stopping"]);
  expect(config.plugins[0]!.options).toEqual({ robot: "panda", size: 64, noise: { deviation: 0.5, shared: false } });
  expect(config.plugins[1]!.options).toMatchObject({ patience: 2, mode: "min" });
});

test("a file without a preset brings its own task", () => {
  const config = resolveConfig({ registry, file: document({ plugins: { reach: null }, task: { size: 5 } }) });
  expect(config.preset).toBeNull();
  expect(config.plugins[0]!.options).toMatchObject({ size: 5 });
});

test("a TypeScript config replaces a plugin in its place, removes one and appends another", () => {
  const config = resolveConfig({
    registry,
    file: file(
      defineConfig({
        extends: reachBasic(),
        plugins: [reach({ size: 7 }), [without("average"), false && earlyStopping()], earlyStopping({ patience: 1 })],
        optimizer: sgd({ lr: 0.5 }),
        train: { steps: 3 },
        backend: "cpu",
      }),
    ),
  });
  expect(names(config)).toEqual(["reach", "early-stopping"]);
  expect(config.plugins[0]!.options).toMatchObject({ size: 7, robot: "panda" });
  expect(config).toMatchObject({ preset: "reach-basic", backend: "cpu", train: { steps: 3, batchSize: 128 } });
  expect(config.origins).toMatchObject({
    "optimizer.lr": "mf.config.ts",
    "plugins.reach.size": "mf.config.ts",
    "plugins.reach.robot": "default",
    "train.steps": "mf.config.ts",
    backend: "mf.config.ts",
  });
});

test("a plugin that only the config file knows is reached by flags", () => {
  const shake = definePlugin({
    name: "shake",
    summary: "Shakes",
    options: z.strictObject({ strength: z.number().default(1), seed: z.number().default(0) }),
    setup: () => undefined,
  });
  const loaded = file({ extends: reachBasic(), plugins: [shake({ seed: 9 })] });
  const { settings } = readFlags(["--shake.strength", "2"], registryWith(registry, loaded));
  const config = resolveConfig({ registry, file: loaded, flags: settings });
  expect(config.plugins.at(-1)!.options).toEqual({ strength: 2, seed: 9 });
  expect(configFromData(config.data, registryWith(registry, loaded)).data).toEqual(config.data);
  expect(() => configFromData(config.data, registry)).toThrow('there is no plugin "shake"');
});

test("who names a preset gets that preset: a found file that extends one is set aside, and that is said", () => {
  for (const extended of [reachBasic(), other()]) {
    const config = resolveConfig({
      registry,
      preset: "reach-basic",
      file: file({ extends: extended, train: { steps: 1 } }),
    });
    expect(config.train).toMatchObject({ steps: 5000, batchSize: 128 });
    expect(config.origins["preset"]).toBe(`command line; mf.config.ts extends ${extended.preset} and is set aside`);
  }
});

test("a file that extends no preset, or was asked for, lies over the preset named on the command line", () => {
  const train = { steps: 1 };
  for (const [extended, asked] of [
    [undefined, false],
    [other(), true],
    [reachBasic(), true],
  ] as const) {
    const config = resolveConfig({
      registry,
      preset: "reach-basic",
      file: file({ ...(extended ? { extends: extended } : {}), train }, asked),
    });
    expect(config).toMatchObject({ preset: "reach-basic", train: { steps: 1, batchSize: 128 } });
    expect(config.origins["preset"]).toBe("command line");
  }
});

test("a saved configuration is trained on with, changed by variables and flags", () => {
  const { data } = resolveConfig({ registry, preset: "reach-basic", quick: true });
  const flags = readFlags(["--steps", "20", "--no-average"], registry).settings;
  const config = resolveConfig({ registry, saved: data, env: { MF_LR: "1e-3" }, flags });
  expect(config).toMatchObject({ preset: "reach-basic", train: { steps: 20, batchSize: 128 } });
  expect(config.optimizer.options.lr).toBe(1e-3);
  expect(names(config)).toEqual(["reach"]);
  expect(config.origins).toMatchObject({ "train.steps": "--steps", "train.batchSize": "saved configuration" });
});

test("the quick form of a preset is taken from the command line or from a data file", () => {
  const steps = (request: Partial<Parameters<typeof resolveConfig>[0]>) =>
    resolveConfig({ registry, ...request }).train.steps;
  expect(steps({ preset: "reach-basic" })).toBe(5000);
  expect(steps({ preset: "reach-basic", quick: true })).toBe(10);
  expect(steps({ file: document({ preset: "reach-basic", quick: true }) })).toBe(10);
  expect(steps({ quick: true, file: file({ extends: reachBasic() }) })).toBe(10);
  expect(() => steps({ quick: true })).toThrow("--quick needs a preset.");
});

test.each([
  [{ train: { batchsize: 1 } }, 'mf.config.yaml:2 train.batchsize: there is no such option; did you mean "batchSize"?'],
  [{ train: { batchSize: 0 } }, "mf.config.yaml:2 train.batchSize: must be >0, received 0."],
  [{ train: { steps: "many" } }, 'mf.config.yaml:2 train.steps: must be a number, received "many".'],
  [{ train: 3 }, "mf.config.yaml:1 train: must be a section of keys and values."],
  [{ tran: {} }, 'mf.config.yaml:1 tran: there is no such key; did you mean "train"?'],
  [
    { plugins: { averag: {} } },
    'mf.config.yaml:2 plugins.averag: there is no plugin "averag"; did you mean "average"?',
  ],
  [{ plugins: { average: { decay: 2 } } }, "mf.config.yaml:3 plugins.average.decay: must be <1, received 2."],
  [{ plugins: { average: 0.9 } }, "plugins.average: must be options, or true or false to add or remove the plugin."],
  [{ task: { robt: "x" } }, 'mf.config.yaml:2 task.robt: there is no such option; did you mean "robot"?'],
  [{ preset: "reach-basik" }, 'mf.config.yaml:1 preset: there is no preset "reach-basik"; did you mean "reach-basic"?'],
  [{ preset: 3 }, "preset: must be the name of a preset."],
  [{ preset: null, task: { robot: "x" } }, "task.robot: no plugin of this run brings a task"],
  [JSON.parse('{"train": {"__proto__": {"steps": 1}}}'), '"__proto__" cannot be a key'],
  [[1], "must hold keys such as preset"],
])("the data file %j is refused with its line and key", (value, message) => {
  const complete = Array.isArray(value) ? value : { preset: "reach-basic", ...value };
  expect(() => resolveConfig({ registry, file: document(complete) })).toThrow(message);
});

test.each([
  [{ train: { batchSize: 0 } }, "mf.config.ts train.batchSize: must be >0, received 0."],
  [{ train: { steps: Number.NaN } }, "mf.config.ts train.steps: must be a number"],
  [{ optimiser: adamW() }, 'mf.config.ts optimiser: there is no such key; did you mean "optimizer"?'],
  [{ optimizer: { lr: 1 } }, "mf.config.ts optimizer: must be made by an optimizer's function"],
  [{ plugins: [average] }, "mf.config.ts plugins[0]: is a function: call it"],
  [{ plugins: ["average"] }, "mf.config.ts plugins[0]: is not a plugin."],
  [{ extends: { extends: reachBasic() } }, "mf.config.ts extends: a preset extends nothing"],
])("the TypeScript config %# is refused with file and key", (config, message) => {
  expect(() => resolveConfig({ registry, file: file(config as unknown as Config) })).toThrow(message);
});

test("an unknown preset on the command line is refused with the nearest one", () => {
  expect(() => resolveConfig({ registry, preset: "reach-basics" })).toThrow(
    'Unknown preset "reach-basics". Did you mean "reach-basic"? [MF_UNKNOWN]',
  );
});
