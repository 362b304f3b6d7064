import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import type { Media } from "../../../core/metrics/media.ts";
import { definePlugin } from "../../../core/plugin.ts";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { jsonl } from "../../../plugins/loggers/jsonl/index.ts";
import { openMediaFile } from "../../../plugins/loggers/jsonl/media-file.ts";
import { openMetricsFile, toRows } from "../../../plugins/loggers/jsonl/metrics-file.ts";

beforeAll(async () => void (await useBackend("cpu")));

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "jsonl-"));
});
afterEach(() => rm(directory, { recursive: true }));

const text = () => readFile(join(directory, "metrics.jsonl"), "utf8");
const point = (step: number, name: string, value: number) => ({
  name,
  value,
  step,
  epoch: 0,
  split: name.startsWith("val/") ? ("val" as const) : ("train" as const),
});

/** Records `train/loss` = 10·step after each step. */
const recorder = definePlugin({
  name: "recorder",
  summary: "",
  options: z.strictObject({}),
  setup: ({ hooks, metrics }) =>
    hooks.onStep.tap("recorder", ({ clock }) => metrics.record([point(clock.steps, "train/loss", 10 * clock.steps)])),
});

test("every step that recorded something has a line", async () => {
  const bench = createBench([jsonl(), recorder()], undefined, { directory });
  await bench.start();
  await bench.steps(2);
  await bench.dispose();
  expect(await text()).toBe('{"step":1,"epoch":0,"train/loss":10}\n{"step":2,"epoch":0,"train/loss":20}\n');
});

test("points of one step and split share a row; validation has its own", () => {
  const points = [
    point(5, "train/loss", 1),
    point(5, "train/lr", 0.1),
    point(5, "val/loss", 2),
    point(6, "train/loss", 3),
  ];
  expect(toRows(points)).toEqual([
    { step: 5, epoch: 0, "train/loss": 1, "train/lr": 0.1 },
    { step: 5, epoch: 0, "val/loss": 2 },
    { step: 6, epoch: 0, "train/loss": 3 },
  ]);
});

test("NaN and infinities become null, so that every line is JSON", () => {
  expect(toRows([point(1, "train/loss", Number.NaN), point(1, "train/norm", Number.POSITIVE_INFINITY)])).toEqual([
    { step: 1, epoch: 0, "train/loss": null, "train/norm": null },
  ]);
});

test("resuming drops the rows of steps that are done again, and half a line of a killed run", async () => {
  const rows = [1, 2, 3, 4].map((step) => `{"step":${step},"epoch":0,"train/loss":0}\n`);
  await writeFile(join(directory, "metrics.jsonl"), `${rows.join("")}{"step":5,"ep`);
  await openMetricsFile(directory).truncateAfter(2);
  expect(await text()).toBe(rows.slice(0, 2).join(""));
});

test("resuming where the file ends keeps it byte for byte", async () => {
  const whole = '{"step":1,"epoch":0,"val/loss":null}\n{"step":2,"epoch":0}\n';
  await writeFile(join(directory, "metrics.jsonl"), whole);
  await openMetricsFile(directory).truncateAfter(2);
  expect(await text()).toBe(whole);
});

test("a run that writes nothing writes nothing", async () => {
  const bench = createBench([jsonl(), recorder()], undefined, { directory: null });
  await bench.start();
  await bench.steps(2);
  await bench.dispose();
  await expect(text()).rejects.toMatchObject({ code: "ENOENT" });
});

test("a folder that cannot be written to costs the metrics, not the run", async () => {
  const bench = createBench([jsonl(), recorder()], undefined, { directory: join(directory, "gone") });
  await bench.steps(2);
  await bench.dispose();
  expect(bench.messages).toEqual([expect.stringMatching(/^Metric sink "jsonl" failed \(ENOENT.*Training goes on\.$/)]);
});

const shown = (step: number): Media[] => [
  { kind: "image", name: "val/paths", step, epoch: 0, svg: `<svg>${step}</svg>` },
  { kind: "histogram", name: "weights/w", step, epoch: 0, edges: [0, 1, 2], counts: [3, 4] },
];
const mediaLines = async () =>
  (await readFile(join(directory, "media.jsonl"), "utf8")).split("\n").map((line) => line && JSON.parse(line));

test("pictures are files, and media.jsonl says where; everything else is in its lines", async () => {
  await openMediaFile(directory).append(shown(7));
  expect(await mediaLines()).toEqual([
    { kind: "image", name: "val/paths", step: 7, epoch: 0, file: "media/val/paths-00000007.svg" },
    { kind: "histogram", name: "weights/w", step: 7, epoch: 0, edges: [0, 1, 2], counts: [3, 4] },
    "",
  ]);
  expect(await readFile(join(directory, "media/val/paths-00000007.svg"), "utf8")).toBe("<svg>7</svg>");
});

test("no name of a picture leads out of the folder", async () => {
  for (const name of ["../../escaped", "a/../../b", "/root", "c:\\d", "..", "é?*"]) {
    await openMediaFile(directory).append([{ kind: "image", name, step: 1, epoch: 0, svg: name }]);
  }
  const files = (await mediaLines()).slice(0, -1).map(({ file }) => file as string);
  expect(new Set(files).size).toBe(6);
  for (const file of files) expect(join(directory, file).startsWith(join(directory, "media/"))).toBe(true);
});

test("resuming drops pictures and lines of steps that are done again", async () => {
  const file = openMediaFile(directory);
  await file.append([...shown(2), ...shown(4)]);
  await appendFile(join(directory, "media.jsonl"), '{"kind":"te');
  await file.truncateAfter(2);
  expect((await mediaLines()).slice(0, -1)).toMatchObject([{ step: 2 }, { step: 2 }]);
  expect(await readdir(join(directory, "media/val"))).toEqual(["paths-00000002.svg"]);
});

test("a full disk costs the metrics, not the run, and the person is told once", async () => {
  await symlink("/dev/full", join(directory, "metrics.jsonl"));
  const bench = createBench([jsonl(), recorder()], undefined, { directory });
  await bench.steps(2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await bench.steps(2);
  await bench.dispose();
  expect(bench.clock.steps).toBe(4);
  expect(bench.messages).toEqual([expect.stringMatching(/^Metric sink "jsonl" failed \(ENOSPC.*Training goes on\.$/)]);
});
