import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { predictWith } from "../../../../core/inference.ts";
import { adam } from "../../../../core/optimizer/adam.ts";
import { createBench } from "../../../../core/testing/index.ts";
import { distillation } from "../../../../plugins/objectives/distillation/index.ts";
import { gait } from "../../../../plugins/tasks/gait/index.ts";
import { CHANNEL_NAMES, JOINTS } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import type { GaitParameter } from "../../../../plugins/tasks/gait/parameters/space.ts";

let folder: string;
beforeAll(async () => {
  await useBackend("wasm", { blas: false });
  folder = await mkdtemp(join(tmpdir(), "mf-gait-"));
});
afterAll(() => rm(folder, { recursive: true }));

const small = { network: { width: 16, depth: 1 }, evaluation: { motions: 8 } };
const bench = (options: Parameters<typeof gait>[0] = {}) =>
  createBench([gait({ ...small, ...options }), distillation()], undefined, {
    settings: { batchSize: 64 },
    optimizer: adam({ lr: 3e-3 }),
  });

/** The shipped description as a file, with changes to the parameter at `index`. */
async function described(name: string, index: number, changes: Partial<GaitParameter>): Promise<string> {
  const parameters = shippedParameters().parameters.map((p, i) => (i === index ? { ...p, ...changes } : p));
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(parameters));
  return path;
}

test("trains on synthetic motions: the loss falls to a fraction", async () => {
  const run = bench();
  const { loss } = await run.step();
  expect((await run.steps(150))["loss"]).toBeLessThan(0.3 * loss!);
  await run.dispose();
});

describe("evaluation", () => {
  test("measures held-out motions, the same at every call, and draws them", async () => {
    const run = bench({ evaluation: { motions: 8, joints: true } });
    await run.steps(2);
    const [evaluator] = run.assembly.evaluators;
    const predict = predictWith(run.assembly.task.inference!, run.state.params);
    const metrics = await evaluator!.evaluate(run.state.params, predict, async () => ({}));
    const totals = [
      "weighted_loss",
      "rmse",
      "joint_error_deg",
      "joint_error_deg_lower_body",
      "forward_speed_error_m_per_s",
      "height_error_mm",
    ];
    expect(Object.keys(metrics)).toEqual([...totals, ...JOINTS.map(({ name }) => `joint_error_deg_${name}`)]);
    expect(Object.values(metrics).every((x) => Number.isFinite(x) && x > 0)).toBe(true);
    const joints = JOINTS.map(({ name }) => metrics[`joint_error_deg_${name}`]!);
    expect(metrics["joint_error_deg"]).toBeCloseTo(joints.reduce((a, b) => a + b) / 23, 6);
    expect(await evaluator!.evaluate(run.state.params, predict, async () => ({}))).toEqual(metrics);

    const pictures = await evaluator!.render!(run.state.params, predict);
    expect(Object.keys(pictures)).toEqual([
      "cycle-healthiest.svg",
      "cycle-median.svg",
      "cycle-worst.svg",
      "joint-errors.svg",
    ]);
    for (const svg of Object.values(pictures)) {
      expect(svg).toMatch(/^<svg xmlns.*<\/svg>\n$/s);
      expect(svg).toContain("synthetic data");
      expect(svg).not.toMatch(/NaN|undefined/);
    }
    await run.dispose();
  });

  test("has baselines on the same motions: what everyone has in common, and what is linear", async () => {
    const run = bench({ evaluation: { motions: 40 } });
    const baselines = await run.assembly.evaluators[0]!.baselines!();
    expect(Object.keys(baselines)).toEqual(["mean_cycle", "linear"]);
    expect(baselines["linear"]!["joint_error_deg"]).toBeLessThan(0.5 * baselines["mean_cycle"]!["joint_error_deg"]!);
    await run.dispose();
  });
});

describe("what a checkpoint keeps", () => {
  test("the description, and that data is synthetic", async () => {
    const run = bench();
    await run.step();
    const { memory } = run.save();
    expect(memory["gait"]).toEqual({ parameters: shippedParameters().parameters, synthetic: true });
    expect(run.assembly.task.inference!.metadata).toMatchObject({ synthetic: true, is_cascaded: false });
    expect(run.assembly.task.inference!.metadata["channels"]).toEqual(CHANNEL_NAMES);
    await run.dispose();
  });

  test.each([
    [{ name: "gait_length" }, 'number 1 is "gait_stride", here "gait_length"'],
    [{ max: 1.5 }, '"gait_stride" has max 1.25, here 1.5'],
    [{ known: false }, '"gait_stride" has known true, here false'],
  ])("another description is refused: %j", async (changes, problem) => {
    const saved = bench().save();
    const other = bench({ parameters: await described("other.json", 0, changes) });
    expect(() => other.load(saved)).toThrow(
      expect.objectContaining({ code: "MF_GAIT_RESUMED", fault: "user", message: expect.stringContaining(problem) }),
    );
    const same = bench({ parameters: await described("same.json", 0, {}) });
    expect(() => same.load(saved)).not.toThrow();
  });

  test("a shorter description is refused before its weights are looked at", async () => {
    const path = join(folder, "short.json");
    await writeFile(path, JSON.stringify(shippedParameters().parameters.slice(1)));
    const { memory } = bench().save();
    const other = bench({ parameters: path });
    expect(() => other.assembly.loadMemory(memory, {})).toThrow("it has 279 of them, here are 278");
  });
});
