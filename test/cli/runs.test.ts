import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mf } from "./mf.ts";

let folder: string;

interface Written {
  readonly config: object;
  readonly summary?: object;
  readonly lock?: string;
}

async function writeRun(name: string, { config, summary, lock }: Written, below = "runs"): Promise<void> {
  const path = join(folder, below, name);
  await mkdir(join(path, "checkpoints"), { recursive: true });
  await writeFile(join(path, "config.json"), JSON.stringify(config));
  if (summary !== undefined) await writeFile(join(path, "summary.json"), JSON.stringify(summary));
  if (lock !== undefined) await writeFile(join(path, "lock"), lock);
}

const ended = (steps: number, metrics: object, more: object = {}) => ({
  outcome: "completed",
  reason: `reached ${steps} steps`,
  clock: { steps },
  seconds: steps / 10,
  metrics,
  baselines: {},
  ...more,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-runs-"));
  const config = { preset: "panda", optimizer: { lr: 0.1, name: "adamw" }, plugins: { ema: { decay: 0.9 } } };
  await writeRun("panda-2", { config, summary: ended(100, { "val/error_mm": 20, "val/success": 0 }) });
  await writeRun("panda-10", {
    config: { ...config, optimizer: { lr: 0.2, name: "adamw" }, plugins: { stats: { every: 5 } } },
    summary: ended(200, { "val/error_mm": 15, "val/success": 0.5, "val/extra": 1 }),
  });
  await writeRun("ur10-1", { config: { ...config, preset: "ur10" }, summary: ended(50, { "val/error_mm": 30 }) });
  // Trained right now, by this very process; its summary is of an earlier session.
  await writeRun("panda-11", { config, summary: ended(10, { "val/error_mm": 1 }), lock: String(process.pid) });
  await writeRun("killed", { config, lock: "999999999" });
  await mkdir(join(folder, "runs", "notes"));
  await writeFile(join(folder, "runs", "stray.txt"), "");
});
afterAll(() => rm(folder, { recursive: true }));

const runs = (...words: string[]) => mf(folder, ["runs", ...words]);
const names = async (...words: string[]) =>
  (await runs(...words, "--json")).json.runs.map((r: { run: string }) => r.run);
/** The cells of a table's lines. */
const cells = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/));

test("runs are listed by name, numbers in their order, with what became of each", async () => {
  const { code, stdout } = await runs();
  expect(code).toBe(0);
  expect(cells(stdout)).toEqual([
    ["run", "preset", "state", "steps", "error_mm", "success", "extra"],
    ["killed", "panda", "killed", "0", "–", "–", "–"],
    ["panda-2", "panda", "completed", "100", "20", "0", "–"],
    ["panda-10", "panda", "completed", "200", "15", "0.5", "1"],
    ["panda-11", "panda", "training", "0", "–", "–", "–"],
    ["ur10-1", "ur10", "completed", "50", "30", "–", "–"],
  ]);
});

test("they are sorted by a column or a metric; runs without a value come last either way", async () => {
  expect(await names("--sort", "error_mm")).toEqual(["panda-10", "panda-2", "ur10-1", "killed", "panda-11"]);
  expect(await names("--sort", "val/error_mm", "--descending")).toEqual([
    "ur10-1",
    "panda-2",
    "panda-10",
    "killed",
    "panda-11",
  ]);
  expect(await names("--sort", "steps", "--descending")).toEqual([
    "panda-10",
    "panda-2",
    "ur10-1",
    "killed",
    "panda-11",
  ]);
  expect((await names("--sort", "state"))[0]).toBe("panda-2");
  expect((await names("--descending"))[0]).toBe("ur10-1");
});

test("a preset and metrics are chosen by name", async () => {
  expect(cells((await runs("--preset", "ur10", "--metric", "success,val/error_mm")).stdout)).toEqual([
    ["run", "preset", "state", "steps", "success", "error_mm"],
    ["ur10-1", "ur10", "completed", "50", "–", "30"],
  ]);
});

test.each([
  [["--metric", "eror_mm"], 'Unknown metric "eror_mm". Did you mean "error_mm"?'],
  [["--sort", "val/sucess"], 'Unknown metric "val/sucess". Did you mean "val/success"?'],
  [["--preset", "ur1O"], 'Unknown preset of a run "ur1O". Did you mean "ur10"?'],
  [["diff", "panda-2", "panda-3"], 'Run "panda-3" does not exist.'],
  [["diff", "panda-2"], "missing required argument 'second'"],
  [["diff", "panda-2", "notes"], 'Run "notes" does not exist.'],
])("%j is a mistake of the person's: %s", async (words, message) => {
  const { code, stderr } = await runs(...words);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test("where there are no runs, there is an empty list", async () => {
  expect((await runs("--runs", "elsewhere")).stdout).toContain("No runs in");
  expect((await runs("--runs", "elsewhere", "--preset", "any", "--sort", "loss", "--json")).json.runs).toEqual([]);
});

test("diff shows settings that differ and results beside each other", async () => {
  const { stdout } = await runs("diff", "panda-2", "panda-10");
  expect(cells(stdout)).toEqual([
    ["setting", "panda-2", "panda-10"],
    ["optimizer.lr", "0.1", "0.2"],
    ["plugins.ema.decay", "0.9", "null"],
    ["plugins.stats.every", "null", "5"],
    [""],
    ["panda-2", "panda-10", "change"],
    ["state", "completed", "completed", "–"],
    ["steps", "100", "200", "+100.0 %"],
    ["seconds", "10", "20", "+100.0 %"],
    ["error_mm", "20", "15", "-25.0 %"],
    ["success", "0", "0.5", "–"],
    ["extra", "–", "1", "–"],
  ]);
});

test("diff as a document, of runs elsewhere too", async () => {
  const { json } = await mf(tmpdir(), [
    "runs",
    "diff",
    join(folder, "runs/panda-2"),
    "ur10-1",
    "--runs",
    join(folder, "runs"),
    "--json",
  ]);
  expect(json.runs).toMatchObject([
    { run: "panda-2", state: "completed" },
    { run: "ur10-1", preset: "ur10" },
  ]);
  expect(json.settings).toEqual({ preset: { before: "panda", after: "ur10" } });
  expect(json.metrics).toEqual({
    steps: { before: 100, after: 50, change: -0.5 },
    seconds: { before: 10, after: 5, change: -0.5 },
    "val/error_mm": { before: 20, after: 30, change: 0.5 },
    "val/success": { before: 0, after: null, change: null },
  });
});

test("a run differs in nothing from itself", async () => {
  const { stdout } = await runs("diff", "panda-2", "runs/panda-2");
  expect(stdout).toContain("The configurations are the same.");
  expect(stdout.match(/\d %/g)).toEqual(["0 %", "0 %", "0 %", "0 %"]);
});

test("presets take turns with their metrics; a list of a configuration stands on one line", async () => {
  const gait = { "val/loss": 4, "val/rmse": 3, "val/angle_deg": 2, "val/speed_m_per_s": 1, "val/height_mm": 0 };
  const cascade = [{ parameters: ["gait"], steps: 5 }, { parameters: ["skeleton"] }];
  const config = { preset: "gait", plugins: { gait: { cascade } } };
  await writeRun("a", { config, summary: ended(10, gait) }, "mixed");
  await writeRun(
    "b",
    { config: { preset: "panda" }, summary: ended(10, { "val/error_mm": 5, "val/rmse": 6 }) },
    "mixed",
  );
  expect(cells((await runs("--runs", "mixed")).stdout)).toEqual([
    ["run", "preset", "state", "steps", "loss", "error_mm", "rmse", "angle_deg"],
    ["a", "gait", "completed", "10", "4", "–", "3", "2"],
    ["b", "panda", "completed", "10", "–", "5", "6", "–"],
  ]);
  expect(cells((await runs("diff", "a", "b", "--runs", "mixed")).stdout)).toContainEqual([
    "plugins.gait.cascade",
    '[ { "parameters": ["gait"], "steps": 5 }, { "parameters": ["skeleton"] } ]',
    "null",
  ]);
});
