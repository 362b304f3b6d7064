import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeNpy } from "../../core/data/npy.ts";
import { mf } from "./mf.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

const run = (line: string, env?: Record<string, string>) => mf(folder, line.split(" "), env);

test("without a command, and with --help, the commands are listed with an example; --version prints one line", async () => {
  const { code, stdout } = await run("--help");
  expect(code).toBe(0);
  for (const name of "train eval infer export data robot inspect presets plugins config explain runs doctor".split(
    " ",
  )) {
    expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, "m"));
  }
  expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test("every command's help has an example", async () => {
  for (const name of ["train", "eval", "infer", "export", "robot", "data generate"]) {
    const { code, stdout } = await run(`${name} --help`);
    expect(code).toBe(0);
    expect(stdout).toContain(`Examples:\n  mf ${name} `);
  }
});

test("a robot's pose is one JSON document with the position in metres and the quaternion w first", async () => {
  const { code, json } = await run("robot panda --fk 0,0,0,-1.5708,0,1.8675,0 --link panda_link8 --json");
  expect(code).toBe(0);
  expect(Object.keys(json)).toEqual(["robot", "link", "position", "quaternion"]);
  expect(json).toMatchObject({ robot: "panda", link: "panda_link8" });
  expect(json.position[0]).toBeCloseTo(0.58193, 4);
  expect(Math.hypot(...json.quaternion)).toBeCloseTo(1, 12);
});

test("an inverse solution reaches the pose that was asked for", async () => {
  const solved = await run("robot ur10 --ik 0.5,0.2,0.6,0,1,0,0 --json");
  expect(solved.json).toMatchObject({ robot: "ur10", link: "tool0", solved: true });
  const pose = await run(`robot ur10 --fk ${solved.json.q.join(",")} --json`);
  [0.5, 0.2, 0.6].forEach((value, i) => {
    expect(pose.json.position[i]).toBeCloseTo(value, 4);
  });
});

test("a robot without a question prints its chain", async () => {
  const { json } = await run("robot panda --json");
  expect(json).toMatchObject({ robot: "panda", base: "panda_link0", tip: "panda_hand" });
  expect(json.joints).toHaveLength(7);
  expect(json.joints[0]).toMatchObject({ name: "panda_joint1", type: "revolute", lower: -2.8973, upper: 2.8973 });
});

test("presets and plugins are listed, and one plugin's options with their flags", async () => {
  expect((await run("presets --json")).json.presets.map((p: { name: string }) => p.name)).toContain("panda-meanflow");
  expect((await run("plugins")).stdout).toMatch(/^ema +\S/m);
  const { stdout } = await run("plugins ema");
  expect(stdout).toMatch(/^--ema\.decay +0\.999 +number/m);
});

test("the resolved configuration is printed with the origin of each value", async () => {
  const { stdout, code } = await run("config panda-meanflow --lr 1e-4", { MF_BATCH_SIZE: "32" });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^optimizer\.lr +0\.0001 +--lr$/m);
  expect(stdout).toMatch(/^train\.batchSize +32 +MF_BATCH_SIZE$/m);
  expect(stdout).toMatch(/^train\.seed +0 +default$/m);
  expect(stdout).toMatch(/^plugins\.ik\.robot +panda +default$/m);
});

test("a TypeScript config is a module also where npm init has said commonjs", async () => {
  const commonjs = join(folder, "commonjs");
  await mkdir(commonjs);
  await writeFile(join(commonjs, "package.json"), '{ "type": "commonjs" }');
  await writeFile(join(commonjs, "own.ts"), "export const steps: number = 9;\n");
  const presets = new URL("../../presets/index.ts", import.meta.url).href;
  const lines = [`import { pandaMeanflow } from "${presets}";`, 'import { steps } from "./own.ts";'];
  await writeFile(
    join(commonjs, "mf.config.ts"),
    `${lines.join("\n")}\nexport default { extends: pandaMeanflow(), train: { steps } };\n`,
  );
  expect((await mf(commonjs, ["config", "--json"])).json.config.train.steps).toBe(9);
});

test("a TypeScript config shares its modules with the command, and its mistakes name file and line", async () => {
  const core = new URL("../../core/index.ts", import.meta.url).href;
  const presets = new URL("../../presets/index.ts", import.meta.url).href;
  const path = join(folder, "mine.config.ts");
  const text = (lr: string) =>
    [
      `import { adamW, defineConfig } from "${core}";`,
      `import { pandaMeanflow } from "${presets}";`,
      "const steps: number = 3;",
      "export default defineConfig({",
      "  extends: pandaMeanflow({ quick: true }),",
      `  optimizer: adamW({ lr: ${lr} }),`,
      "  train: { steps },",
      "});",
    ].join("\n");
  await writeFile(path, text("0.25"));
  const { json } = await run("config --config mine.config.ts --json");
  expect(json.config).toMatchObject({ preset: "panda-meanflow", optimizer: { lr: 0.25 }, train: { steps: 3 } });
  expect(json.origins).toMatchObject({ preset: "mine.config.ts", "optimizer.lr": "mine.config.ts" });

  await writeFile(path, text("-1"));
  const wrong = await run("config --config mine.config.ts");
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/mine\.config\.ts:6:\d+: adamw: option "lr" is wrong/);
});

test("the loop is explained with every tap, scalar, slot and loss term in its place", async () => {
  const { stdout, json } = await run("explain panda-meanflow --json");
  expect(json.hooks.beforeStep).toContainEqual({ plugin: "meanflow", stage: 0 });
  expect(json.declarations).toContainEqual({ kind: "loss", name: "meanflow", plugin: "meanflow" });
  expect(stdout.startsWith("{")).toBe(true);
  const text = (await run("explain panda-meanflow --no-ema")).stdout;
  expect(text).toMatch(/gradient tape[\s\S]*loss terms +meanflow[\s\S]*afterBackward[\s\S]*optimizer +adamw/);
  expect(text).not.toContain("ema");
});

test("data are generated and inspected", async () => {
  const made = await run("data generate --robot ur10 --samples 50 --out pairs.npz --json");
  expect(made).toMatchObject({ code: 0 });
  expect(made.json).toMatchObject({ samples: 50, file: "pairs.npz" });
  const { json } = await run("data inspect pairs.npz --json");
  expect(json.arrays.q).toMatchObject({ dtype: "float32", shape: [50, 6], nan: 0 });
  expect((await run("inspect pairs.npz --json")).json).toEqual(json);
});

test("NaN in a data file is counted, and kept out of minimum, maximum and mean", async () => {
  const data = Float32Array.of(1, Number.NaN, 3, Number.POSITIVE_INFINITY);
  await writeFile(join(folder, "holes.npy"), encodeNpy({ dtype: "float32", shape: [4], data }));
  const { json } = await run("data inspect holes.npy --json");
  expect(json.arrays.holes).toEqual({ dtype: "float32", shape: [4], min: 1, max: 3, mean: 2, nan: 1, infinite: 1 });
});

test.each([
  ["train panda-meanflow --batch-size 0", "--batch-size: must be >0, received 0."],
  ["train panda-meanflow --optimiser.lr 1", 'Did you mean "--optimizer.lr"?'],
  ["train panda-meanflw", 'Unknown preset "panda-meanflw". Did you mean "panda-meanflow"?'],
  ["train", "There is no preset and no configuration file."],
  ["train --config gone.yaml", 'Configuration file "gone.yaml" does not exist.'],
  ["train --resume last", "No usable checkpoint"],
  ["trian", "unknown command 'trian'. Did you mean train?"],
  ["robot panda --fk 0,0", "must hold 7 numbers"],
  ["robot panda --fk 0,0,x,0,0,0,0", '--fk: "x" is not a number.'],
  ["robot gone.urdf", 'Robot file "gone.urdf" does not exist.'],
  ["inspect nowhere", 'Run or checkpoint "nowhere" does not exist.'],
  ["infer nowhere", "Give either --input or --pose."],
])("mf %s ends with one clear message and exit code 2", async (line, message) => {
  const { code, stdout, stderr } = await run(line);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/^ +at /m);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
});

test("a malformed URDF is refused with file and line", async () => {
  await writeFile(join(folder, "bad.urdf"), '<robot name="r">\n  <link name="a">\n</robot>\n');
  expect(await run("robot bad.urdf")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("bad.urdf:2: not well-formed XML"),
  });
});

test("with --json an error is a document too", async () => {
  const { code, json, stderr } = await run("robot pandaa --json");
  expect(code).toBe(2);
  expect(json).toEqual({
    error: { code: "MF_UNKNOWN", message: 'Unknown robot "pandaa". Did you mean "panda"? [MF_UNKNOWN]' },
  });
  expect(stderr).toContain("Unknown robot");
});

test("a YAML config is refused with file, line and key", async () => {
  await writeFile(join(folder, "bad.yaml"), "preset: panda-meanflow\ntrain:\n  batchSize: 0\n");
  expect((await run("config --config bad.yaml")).stderr).toContain(
    "bad.yaml:3:14 train.batchSize: must be >0, received 0.",
  );
  expect(await readFile(join(folder, "bad.yaml"), "utf8")).toContain("batchSize: 0");
});
