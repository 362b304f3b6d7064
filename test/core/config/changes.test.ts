import { expect, test } from "vitest";
import { changesBetween } from "../../../core/config/changes.ts";
import { readFlags } from "../../../core/config/overrides.ts";
import { configFromData, resolveConfig } from "../../../core/config/resolve.ts";
import { registry } from "./registry.ts";

test("what differs is named by its path, also what only one of two has", () => {
  const before = { name: null, lists: [1, 2], inner: { same: 1, other: "a", gone: true }, empty: {} };
  const after = { name: "x", lists: [1, 3], inner: { same: 1, other: "b", fresh: 0 }, empty: {} };
  expect(changesBetween(before, after)).toEqual({
    name: { before: null, after: "x" },
    lists: { before: [1, 2], after: [1, 3] },
    "inner.other": { before: "a", after: "b" },
    "inner.gone": { before: true, after: null },
    "inner.fresh": { before: null, after: 0 },
  });
  expect(changesBetween(after, after)).toEqual({});
});

test("settings are laid over a saved configuration, typed and by any of their names", () => {
  const { data } = resolveConfig({ registry, preset: "reach-basic" });
  const words = [
    "--task.size",
    "7",
    "--reach.noise.shared",
    "--average.decay=0.5",
    "--backend",
    "cpu",
    "--robot=panda",
  ];
  const config = configFromData(data, registry, readFlags(words, registry).settings);
  expect(changesBetween(data, config.data)).toEqual({
    backend: { before: "auto", after: "cpu" },
    "plugins.reach.robot": { before: "ur10", after: "panda" },
    "plugins.reach.size": { before: 64, after: 7 },
    "plugins.reach.noise.shared": { before: false, after: true },
    "plugins.average.decay": { before: 0.99, after: 0.5 },
  });
  const wrong = () => configFromData(data, registry, readFlags(["--task.size", "none"], registry).settings);
  expect(wrong).toThrow("--task.size: must be a number");
});

test("a command's own flags are among the guesses for a word that nothing has", () => {
  expect(() => readFlags(["--checkpiont", "last"], registry, ["--checkpoint"])).toThrow('Did you mean "--checkpoint"?');
});
