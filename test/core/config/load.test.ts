import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keyPositions } from "../../../core/config/json-positions.ts";
import { loadConfigFile } from "../../../core/config/load.ts";
import { resolveConfig } from "../../../core/config/resolve.ts";
import { registry } from "./registry.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const resolved = async (name: string) => {
  const file = await loadConfigFile(folder, name);
  return resolveConfig({ registry, ...(file ? { file } : {}) });
};

test("a folder without a configuration file has none, whatever lies above it", async () => {
  expect(await loadConfigFile(folder)).toBeUndefined();
});

test("YAML is read with 1e-4 as a number, and values know their lines", async () => {
  await write(
    "a.yaml",
    "# first\npreset: reach-basic\noptimizer:\n  lr: 1e-4\nplugins:\n  average: false\n  early-stopping:\n",
  );
  const config = await resolved("a.yaml");
  expect(config.optimizer.options.lr).toBe(1e-4);
  expect(config.origins["optimizer.lr"]).toBe("a.yaml:4:7");
  expect(config.plugins.map((p) => p.name)).toEqual(["reach", "early-stopping"]);
});

test("JSON may hold comments, and its values know their lines", async () => {
  await write("a.json", '{\n  // who\n  "preset": "reach-basic",\n  train: {\n    batchSize: 3,\n  },\n}\n');
  const config = await resolved("a.json");
  expect(config.train.batchSize).toBe(3);
  expect(config.origins["train.batchSize"]).toBe("a.json:5:5");
});

test.each([
  ["b.yaml", "preset: reach-basic\ntrain:\n  batchSize: 0\n", "b.yaml:3:14 train.batchSize: must be >0, received 0."],
  ["c.yaml", "preset: reach-basic\ntrain:\n  batchsize: 3\n", "c.yaml:3:14 train.batchsize: there is no such option"],
  ["d.yaml", "train: [\n", "d.yaml:2:1: "],
  ["e.yaml", "preset: a\npreset: b\n", "e.yaml:2:1: Map keys must be unique"],
  [
    "b.json5",
    "{preset: 'reach-basic',\n optimizer: {lr: 'x'}}",
    'b.json5:2:14 optimizer.lr: must be a number, received "x".',
  ],
  ["c.json", '{"preset": }', "c.json:1:12: invalid character '}'"],
])("%s is refused with its line and column", async (name, text, message) => {
  await write(name, text);
  await expect(resolved(name)).rejects.toThrow(message);
});

test("an empty file configures nothing", async () => {
  await write("empty.yaml", "");
  expect((await resolved("empty.yaml")).plugins).toEqual([]);
});

test("a missing file and a file of another kind are refused", async () => {
  await expect(loadConfigFile(folder, "gone.yaml")).rejects.toThrow('Configuration file "gone.yaml" does not exist.');
  await expect(loadConfigFile(folder, "a.toml")).rejects.toThrow(
    '"a.toml" is not usable: a configuration\'s name ends in .ts',
  );
});

test("JavaScript is imported; it may export a function", async () => {
  await write("a.mjs", "export default async () => ({ train: { steps: 4 } });\n");
  expect((await resolved("a.mjs")).train.steps).toBe(4);
});

test("a module that throws is refused with the line that threw", async () => {
  await write("b.mjs", "const x = 1;\n\nthrow new Error('no luck');\n");
  await expect(resolved("b.mjs")).rejects.toThrow(/^b\.mjs:3:7: no luck \[MF_CONFIG\]$/);
});

test("a module without a default export is refused", async () => {
  await write("c.mjs", "export const config = {};\n");
  await expect(resolved("c.mjs")).rejects.toThrow(
    "c.mjs: must export a configuration: export default defineConfig({ … })",
  );
});

test("keys of JSON5 are found past comments, strings, lists and trailing commas", () => {
  const text = `{ /* {x: 1} */ a: {"b\\"c": "}", 'd': [{e: 1}, 2,],},\n  f: {}, g: {h: -.5}\n}`;
  const found = [...keyPositions(text)].map(([path, { line, column }]) => `${path} ${line}:${column}`);
  expect(found).toEqual([
    '["a"] 1:16',
    '["a","b\\\\\\"c"] 1:20',
    '["a","d"] 1:33',
    '["f"] 2:3',
    '["g"] 2:10',
    '["g","h"] 2:14',
  ]);
});
