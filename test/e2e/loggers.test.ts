import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { curve, readEvents } from "../plugins/loggers/tensorboard/read-events.ts";
import { run, small, start, underLimit } from "./mf.ts";

let folder: string;
// Checkpoints at some steps only, so that a kill loses some that were logged.
const options = [
  ...small,
  "--train.validate=20 steps",
  "--checkpointing.every=10 steps",
  "--steps=60",
  "--tensorboard",
  "--csv",
  "--histograms.every=5",
];
const kills = 2;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-loggers-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const inRun = (name: string, ...path: string[]): string => join(folder, "runs", name, ...path);
const text = (name: string, file: string): Promise<string> => readFile(inRun(name, file), "utf8");

/** Resolves when the run has logged more rows than it had, with steps that no checkpoint holds. */
async function progressOf(name: string, rowsBefore: number): Promise<number> {
  for (;;) {
    const rows = (await text(name, "metrics.csv").catch(() => "")).split("\r\n").length;
    if (rows > rowsBefore + 13) return rows;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test("a run that is killed and resumed logs every step once, to TensorBoard, CSV and JSON alike", async () => {
  expect((await run(folder, "train", ...options, "--name=whole")).code).toBe(0);
  let rows = 0;
  for (let i = 0; i < kills; i++) {
    const child = start(folder, "train", ...options, "--name=killed", ...(i > 0 ? ["--resume=last"] : []));
    const exited = new Promise((resolve) => child.on("exit", resolve));
    rows = await progressOf("killed", rows);
    child.kill("SIGKILL");
    await exited;
  }
  expect((await run(folder, "train", ...options, "--name=killed", "--resume=last")).code).toBe(0);

  const [whole, killed] = [
    await readEvents(inRun("whole", "tensorboard")),
    await readEvents(inRun("killed", "tensorboard")),
  ];
  expect(await readdir(inRun("killed", "tensorboard"))).toHaveLength(kills + 1);
  for (const tag of ["train/loss", "train/lr", "train/meanflow_residual", "val/position_error_mm"]) {
    expect(curve(killed, tag)).toEqual(curve(whole, tag));
  }
  const everyStep = Array.from({ length: 60 }, (_, i) => i + 1);
  expect(curve(killed, "train/loss").map(([step]) => step)).toEqual(everyStep);
  const histograms = killed.filter(({ values }) => values.some(({ plugin }) => plugin === "histograms"));
  expect([...new Set(histograms.map(({ step }) => step))]).toEqual(everyStep.filter((step) => step % 5 === 0));

  expect(await text("killed", "metrics.csv")).toBe(await text("whole", "metrics.csv"));
  expect((await text("killed", "metrics.csv")).split("\r\n")).toHaveLength(1 + 60 + 1);
  expect(await text("killed", "media.jsonl")).toBe(await text("whole", "media.jsonl"));
}, 180_000);

test.skipIf(process.platform === "win32")(
  "where files may grow to 40 KiB only, each logger says so once, and training goes on to its end",
  async () => {
    const words = [
      ...small.filter((word) => !word.includes("width")),
      "--task.network.width=8",
      "--task.network.condition=8",
      "--optimizer=sgd",
      "--lr=1e-3",
      "--schedule.min-lr=0",
      "--no-ema",
      "--steps=300",
      "--tensorboard",
      "--csv",
      "--name=full",
    ];
    const { code, stdout, stderr } = await underLimit(40, folder, "train", ...words);
    expect(stdout).toContain("Step 300: reached 300 steps.");
    expect(code).toBe(0);
    for (const name of ["jsonl", "csv", "tensorboard"]) {
      expect(stderr.match(new RegExp(`Metric sink "${name}" failed \\(EFBIG`, "g"))).toHaveLength(1);
    }
  },
);
