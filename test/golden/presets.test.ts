import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../core/engine/backend.ts";
import type { Plugin } from "../../core/plugin.ts";
import { presets } from "../../presets/index.ts";
import { trainInMemory } from "../support/loop.ts";

/*
 * The first twenty losses of every preset at seed 0. They change when the numbers of a preset change, and then on purpose:
 * MF_UPDATE_GOLDEN=1 npx vitest run test/golden
 */
const file = fileURLToPath(new URL("losses.json", import.meta.url));
const golden = JSON.parse(readFileSync(file, "utf8")) as Record<string, number[]>;

// Without a native BLAS, so that every machine adds in the same order.
beforeAll(() => useBackend("wasm", { blas: false }));

test.for(presets.map((preset) => [preset.presetName, preset] as const))(
  "%s starts as it did",
  async ([name, preset]) => {
    const { plugins, optimizer, train } = preset({ quick: true });
    const { points, free } = await trainInMemory((plugins as Plugin[]).flat(), optimizer!, {
      ...train,
      batchSize: 64,
      steps: 20,
      validate: null,
      log: "1 steps",
    });
    free();
    const losses = points.filter((p) => p.name === "train/loss").map((p) => p.value);
    if (process.env["MF_UPDATE_GOLDEN"] === "1") {
      golden[name] = losses;
      writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
    }
    expect(losses).toHaveLength(20);
    for (const [step, loss] of losses.entries()) {
      // Room for another CPU's exp and sin; a changed formula moves the losses by more.
      expect(Math.abs(loss / golden[name]![step]! - 1), `loss of step ${step + 1}`).toBeLessThan(1e-4);
    }
  },
);

test("every golden run belongs to a preset", () => {
  expect(Object.keys(golden).sort()).toEqual(presets.map((p) => p.presetName).sort());
});
