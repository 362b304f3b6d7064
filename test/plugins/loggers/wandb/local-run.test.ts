import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelArtifact } from "../../../../plugins/loggers/wandb/artifact.ts";
import type { RunInfo } from "../../../../plugins/loggers/wandb/records.ts";
import { readLocalRun } from "../../../support/wandb-file.ts";
import { info, openRecording, point, points, type TestRecording } from "./local.ts";

let directory = "";
const opened: TestRecording[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "wandb-local-"));
});
afterEach(async () => {
  for (const { local } of opened.splice(0)) await local.close();
  await rm(directory, { recursive: true });
});
const open = async (steps?: number, run?: RunInfo): Promise<TestRecording> => {
  const recording = await openRecording(join(directory, "wandb"), steps, run);
  opened.push(recording);
  return recording;
};
const kinds = async (): Promise<string[]> => (await readLocalRun(directory)).records.map(({ kind }) => kind);

test("a whole run, by a reader that shares no code with the writer", async () => {
  const recording = await open();
  await recording.write([point(2), point(2, "val/loss", Number.POSITIVE_INFINITY), point(4)]);
  await recording.finish(0, null);
  const { run, rows, summary, exit, records, damaged, folder } = await readLocalRun(directory);
  expect(damaged).toBe(false);
  expect(folder).toMatch(/offline-run-2026010[123]_\d{6}-abcd1234$/);
  expect(records.map(({ kind }) => kind)).toEqual([
    ...["header", "run", "history", "history", "summary", "exit", "final", "footer"],
  ]);
  expect(records.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(run).toMatchObject({ id: "abcd1234", project: "arm", name: "first", group: "g", tags: ["x", "y"], resume: 0 });
  expect(run).toMatchObject({ config: { lr: 0.0001 }, startedAt: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000 });
  expect(rows).toEqual([
    { _step: 2, _runtime: 2, _timestamp: 2, epoch: 0, "train/loss": 20, "val/loss": "Infinity" },
    { _step: 4, _runtime: 4, _timestamp: 4, epoch: 0, "train/loss": 40 },
  ]);
  expect(summary).toEqual({ ...rows[0], ...rows[1] });
  expect(exit).toMatchObject({ code: 0, runtime: 4 });
});

test("after every write the file is whole, with the row that may still grow and the summary last", async () => {
  const recording = await open();
  for (let step = 1; step <= 400; step++) {
    await recording.write([point(step)]);
    if (step % 40 !== 0) continue;
    const { rows, summary, damaged } = await readLocalRun(directory);
    expect(damaged).toBe(false);
    expect(rows).toHaveLength(step);
    expect(summary).toMatchObject({ _step: step, "train/loss": 10 * step });
  }
  expect((await kinds()).filter((kind) => kind === "summary")).toHaveLength(1);
});

test("a run that was killed goes on after the checkpoint's step: each step once", async () => {
  const first = await open();
  await first.write(points(1, 10));
  const again = await open(7);
  expect(again.local.rows).toBe(7);
  await again.write(points(8, 12));
  await again.finish(0, null);
  const { steps, rows, summary, records } = await readLocalRun(directory);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  // It went on 7 s of training after the start.
  expect(rows.map((row) => row["_runtime"])).toEqual([1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 18, 19]);
  expect(summary).toMatchObject({ _step: 12 });
  expect(records.filter(({ kind }) => kind === "run" || kind === "header")).toHaveLength(2);
});

test("a run that had ended loses its end when it goes on", async () => {
  const first = await open();
  await first.write([...points(1, 5), point(5, "val/only_here", 1)]);
  await first.finish(0, null);
  const again = await open(5);
  expect((await kinds()).slice(-1)).toEqual(["history"]);
  await again.write(points(6, 7));
  const { steps, exit, summary } = await readLocalRun(directory);
  expect([steps, exit]).toEqual([[1, 2, 3, 4, 5, 6, 7], null]);
  expect(summary).toMatchObject({ "val/only_here": 1, "train/loss": 70 });
});

test("resuming takes what a torn write left, at any byte", async () => {
  const first = await open();
  await first.write(points(1, 30));
  const { file } = first.local;
  const whole = await readFile(file);
  for (let cut = whole.length - 1; cut > whole.length - 600; cut -= 37) {
    await writeFile(file, whole);
    await truncate(file, cut);
    const again = await open(30);
    const { steps, damaged } = await readLocalRun(directory);
    expect(damaged).toBe(false);
    expect(steps.length).toBeGreaterThan(20);
    expect(steps).toEqual(Array.from({ length: again.local.rows }, (_, i) => i + 1));
  }
});

test("a resumed run takes new names and settings, and keeps its start", async () => {
  await (await open()).write(points(1, 3));
  await open(3, { ...info, name: "second", config: new Map([["lr", "0.5"]]), startedAt_ms: 5e12 });
  const { run } = await readLocalRun(directory);
  expect(run).toMatchObject({ name: "second", config: { lr: 0.5 }, startedAt: info.startedAt_ms / 1000 });
});

test("marks of wandb sync are gone once the run goes on", async () => {
  const { local } = await open();
  await local.markSynced();
  await writeFile(`${local.file}.syncstate`, "{}");
  expect(await readdir(local.folder)).toContain("run-abcd1234.wandb.synced");
  await open(0);
  expect((await readdir(local.folder)).sort()).toEqual(["files", "run-abcd1234.wandb"]);
});

test("a run whose first part is elsewhere says so", async () => {
  await (await open(20, { ...info, rowsBefore: 18 })).write(points(21, 22));
  // Also when it goes on once more.
  await open(22);
  const { run, steps } = await readLocalRun(directory);
  expect([run["resume"], steps]).toEqual([1, [21, 22]]);
});

test("pictures, tables, texts and histograms: files first, then the row that names them", async () => {
  const recording = await open();
  await recording.write(points(1, 4));
  const at = { step: 4, epoch: 0 };
  await recording.media([
    { ...at, name: "val/paths", kind: "image", svg: '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>' },
    { ...at, name: "grads/w", kind: "histogram", edges: [0, 0.5, 1], counts: [3, 4] },
    {
      ...at,
      name: "val/methods",
      kind: "table",
      columns: ["method", "error"],
      rows: [
        ["dls", 1.5],
        ["none", null],
      ],
    },
    { ...at, name: "notes", kind: "text", text: "a < b & c" },
  ]);
  await recording.write([point(4, "val/loss", 1), point(5)]);
  await recording.finish(0, null);
  const { records, rows, folder } = await readLocalRun(directory);
  const files = records.findIndex(({ kind }) => kind === "files");
  expect(records[files + 1]).toMatchObject({ kind: "history", step: 4 });
  const row = rows[3] as Record<string, Record<string, unknown>>;
  expect(row).toMatchObject({ "train/loss": 40, "val/loss": 1 });
  expect(row["grads/w"]).toEqual({ _type: "histogram", values: [3, 4], bins: [0, 0.5, 1] });
  expect(row["val/paths"]).toMatchObject({ _type: "image-file", format: "png", width: 8, height: 4 });
  expect(row["val/methods"]).toMatchObject({ _type: "table-file", ncols: 2, nrows: 2 });
  const read = async (name: string): Promise<Buffer> => readFile(join(folder, "files", row[name]!["path"] as string));
  expect((await read("val/paths")).toString("latin1", 1, 4)).toBe("PNG");
  expect(JSON.parse(String(await read("val/methods")))).toEqual({
    ...{
      columns: ["method", "error"],
      data: [
        ["dls", 1.5],
        ["none", null],
      ],
    },
  });
  expect(String(await read("notes"))).toContain("a &lt; b &amp; c</pre>");
  expect(records[files]!["paths"]).toEqual(["val/paths", "val/methods", "notes"].map((name) => row[name]!["path"]));
});

test("files of rows that are done again are recorded again, once", async () => {
  const picture = (step: number) => ({ name: "notes", step, epoch: 0, kind: "text" as const, text: `step ${step}` });
  const first = await open();
  for (let step = 1; step <= 4; step++) {
    await first.write([point(step)]);
    await first.media([picture(step)]);
  }
  const again = await open(2);
  await again.write([point(3)]);
  await again.media([picture(3)]);
  await again.finish(0, null);
  const { records } = await readLocalRun(directory);
  expect(
    records.filter(({ kind }) => kind === "files" || kind === "history").map(({ kind, step }) => step ?? kind),
  ).toEqual([...["files", 1, "files", 2, "files", 3]]);
});

test("a checkpoint as an artifact, with W&B's digests", async () => {
  const checkpoint = join(directory, "step-1");
  await mkdir(checkpoint);
  await writeFile(join(checkpoint, "ck.txt"), "hello");
  const recording = await open();
  await recording.write(points(1, 2));
  await recording.finish(0, await modelArtifact(info, checkpoint, ["latest"]));
  const { records } = await readLocalRun(directory);
  const artifact = records.find(({ kind }) => kind === "artifact");
  // Digests that wandb 0.31 computed for an artifact of one file "ck.txt" which holds "hello".
  expect(artifact).toMatchObject({
    ...{ type: "model", name: "first-model", digest: "42f5eaabb4e58088a9796902438417a2" },
    files: [{ path: "ck.txt", digest: "XUFAKrxLKna5cZ2REBfFkg==", size: 5, localPath: join(checkpoint, "ck.txt") }],
  });
});
