import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointHashes, metricRows, run, small, start } from "./mf.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-engines-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = [...small, "--steps=12", "--train.validate=6 steps", "--schedule.steps=12"];

test("the graph engine is the default, and says what it runs on", async () => {
  const { code, stderr } = await run(folder, "train", ...options, "--name=default");
  expect(code).toBe(0);
  expect(stderr).toMatch(/Engine: ONNX Runtime [\d.]+.*, cpu, \d+ threads?, float32\./);
});

describe.each(["graph", "eager"])("%s", (engine) => {
  test("six steps, a stop and six more equal twelve, bit for bit, with accumulation", async () => {
    const given = [...options, `--engine=${engine}`, "--train.accumulate=2"];
    await run(folder, "train", ...given, `--name=${engine}-whole`);
    await run(folder, "train", ...given, "--steps=6", `--name=${engine}-halves`);
    const resumed = await run(folder, "train", ...given, `--name=${engine}-halves`, "--resume=last");
    expect(resumed.code).toBe(0);
    expect(await checkpointHashes(folder, `${engine}-halves`, 12)).toEqual(
      await checkpointHashes(folder, `${engine}-whole`, 12),
    );
  });
});

test("a run continues on the other engine", async () => {
  await run(folder, "train", ...options, "--engine=eager", "--steps=6", "--name=moved");
  const { code } = await run(folder, "train", ...options, "--engine=graph", "--name=moved", "--resume=last");
  expect(code).toBe(0);
  const [moved, whole] = await Promise.all([metricRows(folder, "moved"), metricRows(folder, "default")]);
  const losses = (rows: Record<string, number>[]) =>
    rows.map((row) => row["train/loss"]).filter((x) => x !== undefined);
  for (const [i, loss] of losses(moved).entries()) expect(loss / losses(whole)[i]! - 1).toBeCloseTo(0, 4);
});

test("what cannot run is refused before the first step, with exit code 2", async () => {
  const refused = async (...flags: string[]) => run(folder, "train", ...options, ...flags);
  const onCpu = await refused("--engine=graph", "--backend=cpu");
  expect(onCpu.stderr).toContain("MF_ENGINE_BACKEND");
  const eagerGpu = await refused("--engine=eager", "--device=webgpu");
  expect(eagerGpu.stderr).toContain("MF_DEVICE_ENGINE");
  const unknown = await refused("--device=abacus");
  expect(unknown.stderr).toContain("abacus");
  expect([onCpu.code, eagerGpu.code, unknown.code]).toEqual([2, 2, 2]);
});

test("a plugin that cannot be recorded is named once, and the run goes on eagerly", async () => {
  const tf = pathToFileURL(join(import.meta.dirname, "../../node_modules/@tensorflow/tfjs-core/dist/index.js"));
  const core = pathToFileURL(join(import.meta.dirname, "../../core/index.ts"));
  const presets = pathToFileURL(join(import.meta.dirname, "../../presets/index.ts"));
  const config = `
    import * as tf from ${JSON.stringify(tf.href.replace("dist/index.js", "dist/tf-core.node.js"))};
    import { defineConfig, definePlugin } from ${JSON.stringify(core.href)};
    import { pandaMeanflow } from ${JSON.stringify(presets.href)};
    import { z } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../node_modules/zod/index.js")).href)};
    const largest = definePlugin({
      name: "largest",
      summary: "reports the largest joint value",
      options: z.strictObject({}),
      setup({ hooks }) {
        hooks.beforeStep.tap("largest", (batch, step) => {
          step.report("largest", tf.squeeze(tf.topk(tf.reshape(batch.solution, [-1]), 1).values));
          return batch;
        });
      },
    });
    export default defineConfig({ extends: pandaMeanflow({ quick: true }), plugins: [largest()] });`;
  await writeFile(join(folder, "mf.config.ts"), config);
  const given = ["train", "--steps=4", "--task.network.width=16", "--batch-size=16", "--task.validation-poses=20"];
  const { code, stderr } = await run(folder, ...given, "--name=untraceable");
  expect(stderr.match(/MF_TRACE_KERNEL/g)).toHaveLength(1);
  expect(stderr).toContain("(largest, beforeStep) uses TopK");
  expect(stderr).toContain("Running eagerly.");
  expect(code).toBe(0);
  const strict = await run(folder, ...given, "--engine=graph", "--name=strict");
  expect(strict.stderr).toContain("MF_TRACE_KERNEL");
  expect(strict.code).toBe(1);
  await rm(join(folder, "mf.config.ts"));
});

test("Ctrl-C while the step is compiled leaves a run that goes on", async () => {
  const child = start(folder, "train", ...options, "--name=early");
  child.stderr!.on("data", (chunk) => {
    if (String(chunk).includes("Engine:")) child.kill("SIGINT");
  });
  expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
  const resumed = await run(folder, "train", ...options, "--name=early", "--resume=last");
  expect(resumed.code).toBe(0);
  expect(await checkpointHashes(folder, "early", 12)).toEqual(await checkpointHashes(folder, "default", 12));
});

const driver = process.env["TEST_VULKAN_ICD"] ?? "/usr/lib/chromium/vk_swiftshader_icd.json";

test.skipIf(!existsSync(driver))(
  "training on webgpu, the state on the device, equals training on the cpu (skipped without a Vulkan driver)",
  async () => {
    // The loader reads it when the process starts.
    process.env["VK_ICD_FILENAMES"] = driver;
    process.env["XDG_RUNTIME_DIR"] ??= folder;
    try {
      const { code, stderr } = await run(folder, "train", ...options, "--device=webgpu", "--name=webgpu");
      expect(stderr).toMatch(/Engine: ONNX Runtime [\d.]+, webgpu/);
      expect(code).toBe(0);
    } finally {
      delete process.env["VK_ICD_FILENAMES"];
    }
    const [gpu, cpu] = await Promise.all([metricRows(folder, "webgpu"), metricRows(folder, "default")]);
    expect(gpu).toHaveLength(cpu.length);
    for (const [i, row] of gpu.entries()) {
      // A GPU's sine and cosine are coarser.
      for (const [name, value] of Object.entries(row)) expect(value, name).toBeCloseTo(cpu[i]![name]!, 1);
      if (row["train/loss"] !== undefined) expect(row["train/loss"] / cpu[i]!["train/loss"]! - 1).toBeCloseTo(0, 2);
    }
  },
  120_000,
);
