import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PageData } from "../../cli/report/page-data.ts";
import type { Scene3d } from "../../core/report/figure.ts";
import { mf } from "./mf.ts";

let folder: string;
const run = (...words: string[]) => mf(folder, words);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-report-"));
  for (const [name, lr] of [
    ["a", "1e-3"],
    ["b", "2e-3"],
  ]) {
    const words = [
      "train",
      "panda-meanflow",
      "--quick",
      "--steps",
      "4",
      "--log",
      "1 steps",
      "--task.validation-poses",
      "8",
    ];
    const { code, stderr } = await run(...words, "--name", name!, "--lr", lr!);
    expect(code, stderr).toBe(0);
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function dataOf(file: string): Promise<PageData> {
  const html = await readFile(join(folder, file), "utf8");
  return JSON.parse(/id="data">(.*)<\/script>/.exec(html)![1]!) as PageData;
}

describe("mf report", () => {
  test("writes one file into the run's folder, with curves, results beside baselines and what the model does", async () => {
    const { code, json } = await run("report", "a", "--json");
    expect(code).toBe(0);
    expect(json).toMatchObject({ out: "runs/a/report.html", runs: ["a"], figures: ["a/ik/reaching"] });
    const { runs, live } = await dataOf(json.out);
    const [{ curves, status, sections, name }] = runs as [(typeof runs)[0]];
    expect([live, name, status.state, status.steps]).toEqual([false, "a", "completed", 4]);
    expect(curves["train/loss"]!.steps).toEqual([1, 2, 3, 4]);
    expect(Object.keys(status.baselines)).toContain("dls_1");
    expect((sections[0]!.figure as Scene3d).clips).toHaveLength(6);
  });

  test("lays several runs over one another, in the file that --out names", async () => {
    const { code } = await run("report", "a", "runs/b", "--out", "both.html", "--no-figures");
    expect(code).toBe(0);
    const { runs } = await dataOf("both.html");
    expect(runs.map(({ name, sections }) => [name, sections.length])).toEqual([
      ["a", 0],
      ["b", 0],
    ]);
  });

  test("a run whose checkpoints are gone still has its curves, and a warning says why it has no figures", async () => {
    await rm(join(folder, "runs/b/checkpoints"), { recursive: true });
    await mkdir(join(folder, "runs/b/checkpoints"));
    const lost = await run("report", "b", "--json");
    expect(lost.code).toBe(0);
    expect(lost.stderr).toMatch(/The report has no figures of "b"\. No usable checkpoint in/);
    const { runs } = await dataOf(lost.json.out);
    expect(runs[0]!.curves["train/loss"]!.steps).toHaveLength(4);
  });

  test("a checkpoint that is asked for and is not there is an error, and so is a run", async () => {
    const checkpoint = await run("report", "a", "--checkpoint", "step-9");
    expect(checkpoint).toMatchObject({ code: 2, stderr: expect.stringContaining('Unknown checkpoint "step-9"') });
    expect(await run("report", "z")).toMatchObject({ code: 2, stderr: expect.stringContaining('"z" does not exist') });
  });
});

describe("mf plot", () => {
  const plot = (...words: string[]) => run("plot", "a", "b", ...words);

  test("draws a panel a metric and a line a run", async () => {
    const { code, stdout } = await plot(
      "--metric",
      "train/loss,val/position_error_mm",
      "--smooth",
      "0.5",
      "--out",
      "p.svg",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("Written to p.svg: train/loss, val/position_error_mm.");
    const svg = await readFile(join(folder, "p.svg"), "utf8");
    for (const text of ["train/loss", "val/position_error_mm", ">a<", ">b<"]) expect(svg).toContain(text);
  });

  test("writes PNG of the size asked for", async () => {
    expect(await plot("--metric", "train/loss", "--width", "500", "--height", "200", "--out", "p.png")).toMatchObject({
      code: 0,
    });
    const bytes = await readFile(join(folder, "p.png"));
    expect(bytes.subarray(1, 4).toString()).toBe("PNG");
    // The panel, and the legend above it.
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([500, 226]);
  });

  test("names the metric that was meant, and refuses other files and weights, writing nothing", async () => {
    const near = await plot("--metric", "val/postion_error_mm", "--out", "q.svg");
    expect(near).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean "val/position_error_mm"?') });
    const file = await plot("--metric", "train/loss", "--out", "q.pdf");
    expect(file).toMatchObject({ code: 2, stderr: expect.stringContaining(".svg or .png") });
    expect((await plot("--metric", "train/loss", "--out", "q.svg", "--smooth", "1")).code).toBe(2);
    expect((await run("plot", "a", "--metric", "train/loss")).code).toBe(2);
    expect(existsSync(join(folder, "q.svg"))).toBe(false);
  });
});
