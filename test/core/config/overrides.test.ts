import { expect, test } from "vitest";
import { readFlags } from "../../../core/config/overrides.ts";
import { resolveConfig } from "../../../core/config/resolve.ts";
import { registry } from "./registry.ts";

const resolve = (...words: string[]) =>
  resolveConfig({ registry, preset: "reach-basic", flags: readFlags(words, registry).settings });
const withEnv = (env: Record<string, string>, ...words: string[]) =>
  resolveConfig({ registry, preset: "reach-basic", env, flags: readFlags(words, registry).settings });
const option = (config: ReturnType<typeof resolve>, plugin: string) =>
  config.plugins.find((p) => p.name === plugin)?.options;

test("the learning rate and the batch size are set by short and by dotted flags", () => {
  const config = resolve("--lr", "1e-4", "--train.batch-size=512", "--steps", "7", "--weight-decay", "0.5");
  expect(config.optimizer.options).toMatchObject({ lr: 1e-4, weightDecay: 0.5, beta1: 0.9 });
  expect(config.train).toMatchObject({ batchSize: 512, steps: 7 });
  expect(config.origins).toMatchObject({
    "optimizer.lr": "--lr",
    "train.batchSize": "--train.batch-size",
    "train.steps": "--steps",
    "train.seed": "default",
    "optimizer.beta1": "default",
    "plugins.average.decay": "preset reach-basic",
  });
});

test("positional words are told from values of flags", () => {
  const read = readFlags(["reach-basic", "--lr", "1e-4", "--no-average", "next", "--early-stopping", "last"], registry);
  expect(read.positional).toEqual(["reach-basic", "next", "last"]);
  expect(read.settings.map((s) => [s.path.join("."), s.value])).toEqual([
    ["optimizer.lr", "1e-4"],
    ["plugins.average", false],
    ["plugins.early-stopping", true],
  ]);
});

test("a plugin is removed by --no-<plugin>, and added by its name or by one of its options", () => {
  expect(resolve("--no-average").plugins.map((p) => p.name)).toEqual(["reach"]);
  expect(resolve("--average=false").plugins.map((p) => p.name)).toEqual(["reach"]);
  expect(resolve("--early-stopping").plugins.map((p) => p.name)).toEqual(["reach", "average", "early-stopping"]);
  expect(option(resolve("--early-stopping.patience", "9"), "early-stopping")).toMatchObject({
    patience: 9,
    mode: "min",
  });
});

test("text becomes what the schema of the option says", () => {
  const config = resolve(
    ...["--early-stopping.metric", "none", "--early-stopping.mode=max", "--early-stopping.betas=0.5,0.95"],
    ...["--early-stopping.weights.Error=-1.5", "--early-stopping.verbose", "--robot", "10", "--reach.noise.shared=yes"],
    ...["--epochs", "none", "--minutes", ".5", "--validate", "20 steps"],
  );
  expect(option(config, "early-stopping")).toEqual({
    metric: null,
    patience: 5,
    mode: "max",
    betas: [0.5, 0.95],
    weights: { Error: -1.5 },
    verbose: true,
  });
  expect(option(config, "reach")).toMatchObject({ robot: "10", noise: { shared: true, deviation: 0.1 } });
  expect(config.train).toMatchObject({ epochs: null, minutes: 0.5, validate: "20 steps" });
});

test("a negative number is a value, not a flag", () => {
  expect(() => resolve("--lr", "-1")).toThrow("--lr: must be >0, received -1. [MF_CONFIG]");
});

test("a switch inside a plugin is turned off with --no-", () => {
  expect(option(resolve("--no-early-stopping.verbose"), "early-stopping")).toMatchObject({ verbose: false });
});

test("the task's options have short names that do not depend on the plugin", () => {
  expect(option(resolve("--robot", "panda", "--task.size=3"), "reach")).toMatchObject({ robot: "panda", size: 3 });
});

test("another optimizer keeps what was set and exists in both, and nothing else", () => {
  const config = resolve("--optimizer", "sgd", "--optimizer.momentum", "0.9");
  expect(config.optimizer.name).toBe("sgd");
  expect(config.optimizer.options).toEqual({ lr: 2e-4, momentum: 0.9, nesterov: false });
  expect(config.origins["optimizer.lr"]).toBe("preset reach-basic");
  expect(config.origins["optimizer.beta1"]).toBeUndefined();
});

test.each([
  [["--lrr", "1"], 'Unknown option "--lrr". Did you mean "--lr"? [MF_UNKNOWN]'],
  [["--optimiser.lr=1"], 'Unknown option "--optimiser.lr". Did you mean "--optimizer.lr"?'],
  [["--train.batchsiz=1"], 'Did you mean "--train.batch-size"?'],
  [["--no-averag"], 'Did you mean "--no-average"?'],
  [["--average.zzzzzz=1"], 'Unknown option "--average.zzzzzz". Known: --average.decay.'],
  [["--__proto__.x=1"], "Unknown option"],
  [["--early-stopping.weights.__proto__=1"], '"__proto__" cannot be a key'],
  [["--lr"], "--lr needs a value. Write --lr <value>. [MF_USAGE]"],
  [["--lr", "--steps", "3"], "--lr needs a value."],
  [["--lr", "abc"], '--lr: must be a number, received "abc". [MF_CONFIG]'],
  [["--batch-size", "0"], "--batch-size: must be >0, received 0."],
  [["--batch-size", "1.5"], "--batch-size: must be a whole number, received 1.5."],
  [["--steps", ""], '--steps: must be a number, received "".'],
  [["--backend", "gpu"], '--backend: must be one of "auto", "tensorflow", "wasm", "cpu", received "gpu".'],
  [["--validate", "often"], '--validate: must be an interval such as "500 steps"'],
  [["--average=maybe"], '--average: adds or removes a plugin: true or false, not "maybe"'],
  [["--optimizer", "lion"], '--optimizer: there is no optimizer "lion"; known: adamw, adam, sgd.'],
  [
    ["--optimizer", "sgd", "--weight-decay", "1"],
    "--weight-decay: there is no such option; known: lr, momentum, nesterov.",
  ],
  [["--name", "../x"], "--name: must be a folder's name"],
  [["--early-stopping.weights.a=b"], '--early-stopping.weights.a: must be a number, received "b".'],
])("%j is refused with one clear message", (words, message) => {
  expect(() => resolve(...words)).toThrow(message);
});

test("every mistake of a layer is named at once", () => {
  expect(() => resolve("--lr", "x", "--steps", "0", "--average.decay", "1")).toThrow(
    [
      "The configuration has 3 mistakes:",
      "  --steps: must be >0, received 0.",
      '  --lr: must be a number, received "x".',
      "  --average.decay: must be <1, received 1.",
    ].join("\n"),
  );
});

test("environment variables lie below flags and above the preset", () => {
  const env = { MF_LR: "3e-4", MF_TRAIN__BATCH_SIZE: "32", MF_EARLY_STOPPING__PATIENCE: "2", MF_SEED: "", HOME: "/" };
  const config = withEnv(env, "--lr", "1e-3");
  expect(config.optimizer.options.lr).toBe(1e-3);
  expect(config.train).toMatchObject({ batchSize: 32, seed: 0 });
  expect(config.origins).toMatchObject({ "optimizer.lr": "--lr", "train.batchSize": "MF_TRAIN__BATCH_SIZE" });
  expect(option(config, "early-stopping")).toMatchObject({ patience: 2 });
  expect(withEnv({ MF_NO_AVERAGE: "1" }).plugins.map((p) => p.name)).toEqual(["reach"]);
  expect(withEnv({ MF_NO_AVERAGE: "0" }).plugins.map((p) => p.name)).toEqual(["reach", "average"]);
});

test("variables that are no settings are left alone; others that nothing knows are refused", () => {
  expect(() => withEnv({ MF_BLAS: "off", MF_BLAS_LIB: "x", MF_RUNS_DIR: "r" })).not.toThrow();
  expect(() => withEnv({ MF_BACH_SIZE: "1" })).toThrow(
    'Unknown environment variable "MF_BACH_SIZE". Did you mean "MF_BATCH_SIZE"?',
  );
  expect(() => withEnv({ MF_LR: "fast" })).toThrow('MF_LR: must be a number, received "fast".');
});
