import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { saveCheckpoint } from "../../../core/checkpoint/store.ts";
import { float32 } from "../../../core/data/host-tensor.ts";
import { type RunNews, readRun, stamp } from "../../../core/report/record.ts";
import { type RunFolder, runFolder } from "../../../core/run-folder.ts";

let folder: RunFolder;
beforeEach(async () => {
  folder = runFolder(await mkdtemp(join(tmpdir(), "mf-record-")));
  await mkdir(folder.checkpoints);
});
afterEach(() => rm(folder.path, { recursive: true }));

const path = (file: string): string => join(folder.path, file);
const row = (step: number, more: object = {}): string => `${JSON.stringify({ step, epoch: 0, a: 1, ...more })}\n`;
const stepsOf = ({ curves }: RunNews): readonly number[] => curves["a"]?.steps ?? [];

describe("rows", () => {
  test("half a line is left for the next look, and no line comes twice", async () => {
    await writeFile(path("metrics.jsonl"), `${row(1)}${row(2)}{"step":3,"ep`);
    const first = await readRun(folder);
    expect(stepsOf(first)).toEqual([1, 2]);
    await appendFile(path("metrics.jsonl"), `och":0,"a":1}\n${row(4)}`);
    const next = await readRun(folder, first.places);
    expect([next.restarted, stepsOf(next)]).toEqual([false, [3, 4]]);
    expect((await readRun(folder, next.places)).curves).toEqual({});
  });

  test("what a killed writer left in between is passed over", async () => {
    await writeFile(path("metrics.jsonl"), `${row(1)}{"step":2,"epo\n7\nnull\n{"loss":3}\n${row(3)}`);
    expect(stepsOf(await readRun(folder))).toEqual([1, 3]);
  });

  test("letters of several bytes and lines beyond one read arrive whole", async () => {
    const name = "ü".repeat(3_000_000);
    await writeFile(path("metrics.jsonl"), row(1, { [name]: 5 }) + row(2));
    const { curves } = await readRun(folder);
    expect(curves).toEqual({ a: { steps: [1, 2], values: [1, 1] }, [name]: { steps: [1], values: [5] } });
  });

  test("a file that was cut, as a resumed run does, is read from its start and says so", async () => {
    await writeFile(path("metrics.jsonl"), row(1) + row(2) + row(3));
    const { places } = await readRun(folder);
    await writeFile(path("beside"), row(1));
    await rename(path("beside"), path("metrics.jsonl"));
    await appendFile(path("metrics.jsonl"), row(2) + row(3) + row(4));
    const news = await readRun(folder, places);
    expect(news.restarted).toBe(true);
    expect(stepsOf(news)).toEqual([1, 2, 3, 4]);
  });

  test("without a file there are none yet", async () => {
    expect(await readRun(folder)).toMatchObject({ curves: {}, media: [], restarted: false });
  });
});

test("pictures are read from their files; one whose file is gone is left out", async () => {
  await mkdir(path("media"));
  await writeFile(path("media/a.svg"), "<svg/>");
  const lines = [
    { kind: "image", name: "val/a", step: 5, epoch: 0, file: "media/a.svg" },
    { kind: "image", name: "val/b", step: 5, epoch: 0, file: "media/b.svg" },
    { kind: "text", name: "note", step: 5, epoch: 0, text: "hello" },
  ];
  await writeFile(path("media.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  expect((await readRun(folder)).media).toEqual([
    { kind: "image", name: "val/a", step: 5, epoch: 0, svg: "<svg/>" },
    lines[2],
  ]);
});

describe("the state", () => {
  const summary = { outcome: "completed", reason: "reached 9 steps", clock: { steps: 9 }, seconds: 2, metrics: {} };

  test("is that of the summary; while a live process trains it on, it is training", async () => {
    await writeFile(path("config.json"), JSON.stringify({ preset: "p", train: { steps: 9 } }));
    await writeFile(path("summary.json"), JSON.stringify(summary));
    expect((await readRun(folder)).status).toMatchObject({
      state: "completed",
      steps: 9,
      plannedSteps: 9,
      preset: "p",
    });
    await writeFile(path("lock"), String(process.pid));
    expect((await readRun(folder)).status).toMatchObject({ state: "training", reason: null });
  });

  test("of a run that began and did not end is killed; it has its baselines", async () => {
    await writeFile(path("config.json"), "{}");
    await writeFile(path("summary.json"), JSON.stringify({ baselines: { guess: { "val/error_mm": 9 } } }));
    const { status } = await readRun(folder);
    expect(status).toMatchObject({ state: "killed", reason: null, baselines: { guess: { "val/error_mm": 9 } } });
  });

  test("of a run whose process is gone without a word is killed", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await writeFile(path("lock"), String(child.pid));
    await writeFile(path("summary.json"), '{"outcome": "comp');
    expect((await readRun(folder)).status).toMatchObject({ state: "killed", seconds: null });
  });

  test("counts the parameters of the newest checkpoint, not the optimizer's", async () => {
    const draft = {
      preset: null,
      config: {},
      clock: { steps: 7, skipped: 0, batches: 7, samples: 7, epochs: 0 },
      cursor: { epoch: 0, position: 7, seed: 0 },
      seed: 0,
      metrics: { "val/error": 2 },
      stopReason: null,
      plugins: [],
      memory: {},
      environment: { cpu: "a" },
    };
    const tensors = {
      "params/w": float32(new Float32Array(6), [2, 3]),
      "opt/w/m": float32(new Float32Array(6), [2, 3]),
    };
    await saveCheckpoint(folder.checkpoints, "step-00000007", draft, tensors);
    const { status } = await readRun(folder);
    expect(status).toMatchObject({ parameters: 6, steps: 7, metrics: { "val/error": 2 }, environment: { cpu: "a" } });
  });
});

test("a folder without a run is refused by name", async () => {
  await rm(folder.checkpoints, { recursive: true });
  await expect(readRun(folder)).rejects.toMatchObject({ code: "MF_FILE_MISSING", fault: "user" });
});

test("the stamp changes with every kind of news", async () => {
  const stamps = [await stamp(folder)];
  for (const file of ["config.json", "metrics.jsonl", "media.jsonl", "summary.json", "lock", "checkpoints/best.json"]) {
    await writeFile(path(file), "{}");
    stamps.push(await stamp(folder));
  }
  await appendFile(path("metrics.jsonl"), "{}");
  stamps.push(await stamp(folder));
  expect(new Set(stamps).size).toBe(stamps.length);
});
