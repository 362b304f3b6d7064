import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../core/engine/backend.ts";
import { openEngine } from "../../core/engine/open.ts";
import type { Plugin } from "../../core/plugin.ts";
import { presets } from "../../presets/index.ts";
import { trainInMemory } from "../support/loop.ts";

/*
 * The first twenty losses of every preset at seed 0. They change when the numbers of a preset change, and then on purpose:
 * MF_UPDATE_GOLDEN=1 npx vitest run test/golden
 */
const file = fileURLToPath(new URL("losses.json", import.meta.url));
const golden = JSON.parse(readFileSync(file, "utf8")) as Record<string, number[]>;
const quiet = { info: () => {}, warn: () => {} };

// Without a native BLAS, so that every machine adds in the same order.
beforeAll(() => useBackend("wasm", { blas: false }));

async function lossesOf(
  preset: (typeof presets)[number],
  engine: "eager" | "graph",
  accumulate = 1,
): Promise<number[]> {
  const { plugins, optimizer, train } = preset({ quick: true });
  const { points, free } = await trainInMemory(
    (plugins as Plugin[]).flat(),
    optimizer!,
    { ...train, batchSize: 64, steps: 20, accumulate, validate: null, log: "1 steps" },
    await openEngine(engine, "cpu", quiet),
  );
  free();
  return points.filter((p) => p.name === "train/loss").map((p) => p.value);
}

/** The largest relative difference of two runs. */
const difference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((loss, i) => Math.abs(loss / b[i]! - 1)));

test.for(presets.map((preset) => [preset.presetName, preset] as const))(
  "%s starts as it did, alike on both engines",
  { timeout: 60_000 },
  async ([name, preset]) => {
    const eager = await lossesOf(preset, "eager");
    if (process.env["MF_UPDATE_GOLDEN"] === "1") {
      golden[name] = eager;
      writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
    }
    expect(eager).toHaveLength(20);
    // Room for another CPU's exp and sin; a changed formula moves the losses by more.
    expect(difference(eager, golden[name]!)).toBeLessThan(1e-4);
    const graph = await lossesOf(preset, "graph");
    expect(difference(graph, eager)).toBeLessThan(1e-5);
    expect(await lossesOf(preset, "graph"), "the graph engine repeats itself bit for bit").toEqual(graph);
  },
);

test("accumulated gradients are alike on both engines", async () => {
  const preset = presets[0]!;
  const eager = await lossesOf(preset, "eager", 3);
  expect(difference(await lossesOf(preset, "graph", 3), eager)).toBeLessThan(1e-5);
}, 60_000);

test("every golden run belongs to a preset", () => {
  expect(Object.keys(golden).sort()).toEqual(presets.map((p) => p.presetName).sort());
});
