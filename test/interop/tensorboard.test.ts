import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createBench, useBackend } from "../../core/testing/index.ts";
import { histograms } from "../../plugins/loggers/histograms/index.ts";
import { pictures } from "../../plugins/loggers/pictures/index.ts";
import { tensorboard } from "../../plugins/loggers/tensorboard/index.ts";
import { stats } from "../../plugins/training/stats/index.ts";
import { plugin } from "../core/engine/engines.ts";

const script = fileURLToPath(new URL("tensorboard_check.py", import.meta.url));
const python = ["python3", "/usr/bin/python3", "python"].find(
  (candidate) => spawnSync(candidate, ["-c", "import tensorboard"], { stdio: "ignore" }).status === 0,
);
const reason = python === undefined ? " (skipped: no Python interpreter here has tensorboard)" : "";

const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20" fill="#f00"/></svg>';
const drawing = () =>
  plugin("drawing", ({ evaluator }) =>
    evaluator({ name: "drawing", evaluate: () => ({}), render: () => ({ "red.svg": svg }) }),
  );

test.skipIf(python === undefined)(`TensorBoard reads a run that was killed and resumed${reason}`, async () => {
  await useBackend("cpu");
  const folder = await mkdtemp(join(tmpdir(), "mf-tensorboard-"));
  const directory = join(folder, "first");
  await mkdir(directory);
  const open = () =>
    createBench(
      [tensorboard(), stats({ every: 1 }), histograms({ every: 2, bins: 2 }), pictures(), drawing()],
      undefined,
      { directory, settings: { config: { optimizer: { lr: 0.1 }, name: "first" } } },
    );
  try {
    const killed = open();
    await killed.start();
    await killed.steps(3);
    const saved = killed.save();
    await killed.steps(4);
    await killed.validate({});
    await killed.dispose();
    const resumed = open();
    resumed.load(saved);
    await resumed.start("a checkpoint");
    await resumed.steps(3);
    await resumed.validate({});
    await resumed.finish();
    await resumed.dispose();

    const found = JSON.parse(execFileSync(python!, [script, folder], { encoding: "utf8" }));
    const run = "first/tensorboard";
    // The gradient of ‖w‖² is 2w, and a step of 0.1 of it leaves four fifths of w = (3, 4).
    const norms = [1, 2, 3, 4, 5, 6].map((step) => [step, expect.closeTo(10 * 0.8 ** (step - 1), 5)]);
    expect(found.scalars[run]["train/grad_norm"]).toEqual(norms);
    const edges = (step: number) => [3, 3.5, 4].map((w) => expect.closeTo(w * 0.8 ** (step - 1), 5));
    const weights = [2, 4, 6].map((step) => {
      const [left, middle, right] = edges(step);
      return [
        step,
        [
          [left, middle, 1],
          [middle, right, 1],
        ],
      ];
    });
    expect(found.histograms[run]["weights/w"]).toEqual(weights);
    expect(Object.keys(found.histograms[run])).toEqual(["gradients/w", "weights/w"]);
    expect(found.texts[run]["config"].map(([step]: [number]) => step)).toEqual([0, 3]);
    expect(found.texts[run]["config"][0][1]).toContain("| optimizer.lr | 0.1 |");
    const [[step, [width, height, png]]] = found.images[run]["val/red"];
    expect([step, width, height]).toEqual([6, "3330", "3230"]);
    expect(png).toMatch(/^89504e470d0a1a0a/);
    expect(found.hparams).toEqual(["name", "optimizer.lr"]);
    expect(found.metrics).toEqual(["train/grad_norm", "train/param_norm", "train/update_ratio"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
