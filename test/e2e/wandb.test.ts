import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createStream } from "../../core/random.ts";
import { type FakeWandb, fakeWandb, readLine, stepsOf } from "../support/fake-wandb.ts";
import { readLocalRun } from "../support/wandb-file.ts";
import { metricRows, runWith, small, startWith, underLimit } from "./mf.ts";

let folder: string;
let fake: FakeWandb;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-wandb-"));
  fake = await fakeWandb();
});
afterAll(async () => {
  await fake.stop();
  await rm(folder, { recursive: true, force: true });
});

const options = [...small, "--wandb.project=arm", "--train.validate=25 steps", "--checkpointing.every=10 steps"];
const kills = 3;

test("kill -9 at any moment, and on the same W&B run: each step once, in the local run and on the server", async () => {
  const env = { WANDB_BASE_URL: fake.url, WANDB_API_KEY: "key", WANDB_MODE: "online" };
  const words = [...options, "--steps=400", "--name=killed"];
  const random = createStream(5, "kill");
  let started = false;
  for (let i = 0; i < kills; i++) {
    const child = startWith(env, folder, "train", ...words, ...(started ? ["--resume=last"] : []));
    const ended = new Promise((resolve) => child.on("exit", resolve));
    while (child.exitCode === null) {
      const names = await readdir(join(folder, "runs", "killed", "checkpoints")).catch(() => []);
      started = names.some((name) => name.startsWith("step-"));
      if (started) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 1500 + 1500 * random.uniform()));
    child.kill("SIGKILL");
    await ended;
  }
  const last = await runWith(env, folder, "train", ...words, "--resume=last");
  // A kill may have come after the last step.
  if (last.code !== 0) expect(last.stderr).toContain("MF_RUN_STOPPED");

  const local = await readLocalRun(join(folder, "runs", "killed"));
  const steps = Array.from({ length: 400 }, (_, i) => i + 1);
  expect(local.damaged).toBe(false);
  expect(local.steps).toEqual(steps);
  expect([...fake.runs.keys()]).toEqual([local.run["id"]]);
  const run = fake.runs.get(local.run["id"])!;
  expect(stepsOf(run)).toEqual(steps);
  expect(run.history.map(readLine)).toEqual(local.rows);
  expect([local.exit?.["code"], run.exitcode]).toEqual([0, 0]);
  // And the same numbers as in the metrics file, whose rows keep training and validation apart.
  const losses = (await metricRows(folder, "killed")).flatMap((row) => row["train/loss"] ?? []);
  expect(local.rows.map((row) => row["train/loss"])).toEqual(losses);
}, 180_000);

test("mf wandb sync sends what is not there, as often as it is asked to", async () => {
  const env = { WANDB_BASE_URL: fake.url, WANDB_API_KEY: "key", WANDB_PROJECT: "later" };
  const words = ["--steps=30", "--wandb.mode=offline", "--name=offline"];
  expect((await runWith(env, folder, "train", ...small, ...words)).code).toBe(0);
  const { run, rows } = await readLocalRun(join(folder, "runs", "offline"));
  expect(fake.runs.has(run["id"])).toBe(false);
  const page = `${fake.url}/me/later/runs/${run["id"]}`;
  for (const _ of [1, 2]) {
    const { code, stdout } = await runWith(env, folder, "wandb", "sync", "offline", "--json");
    expect(JSON.parse(stdout)).toEqual({ runs: [{ run: "offline", page, rows: 30, leftOut: [] }] });
    expect(code).toBe(0);
    expect(fake.runs.get(run["id"])!.history.map(readLine)).toEqual(rows);
  }
  // The end has the last validation beside the baselines.
  const { _type: type, path } = rows.at(-1)!["results"] as { _type: string; path: string };
  const [, table] = [...fake.stored].find(([name]) => name.endsWith(path))!;
  const { columns, data } = JSON.parse(table.toString()) as { columns: string[]; data: (string | number)[][] };
  expect([type, columns]).toEqual(["table-file", ["metric", "model", "no_move", "dls_1", "dls_2", "dls_3"]]);
  expect(data.map(([name, model]) => [name, model])).toEqual(
    Object.entries(rows.at(-1)!).filter(([name]) => name.startsWith("val/")),
  );
});

test("mf wandb sync says what keeps it from sending", async () => {
  const env = { WANDB_BASE_URL: fake.url, WANDB_API_KEY: "key" };
  const sync = async (changes: NodeJS.ProcessEnv, run: string): Promise<unknown> => {
    const { code, stderr } = await runWith({ ...env, ...changes }, folder, "wandb", "sync", run);
    return [code, stderr];
  };
  expect((await runWith(env, folder, "train", ...small, "--steps=3", "--name=plain")).code).toBe(0);
  expect(await sync({}, "plain")).toEqual([2, expect.stringContaining("holds no W&B run")]);
  expect((await runWith(env, folder, "train", ...small, "--steps=3", "--wandb.mode=offline", "--name=kept")).code).toBe(
    0,
  );
  const without = { WANDB_API_KEY: "", NETRC: join(folder, "none") };
  expect(await sync(without, "kept")).toEqual([2, expect.stringContaining("There is no API key")]);
  const nobody = { WANDB_BASE_URL: "http://127.0.0.1:9" };
  expect(await sync(nobody, "kept")).toEqual([
    2,
    expect.stringContaining("http://127.0.0.1:9/graphql cannot be reached"),
  ]);
});

test("a full disk costs the recording, not the run, and is told once", async () => {
  const words = [
    ...small.filter((word) => !word.includes("width")),
    ...["--task.network.width=8", "--task.network.condition=8", "--optimizer=sgd", "--lr=1e-3"],
    ...["--schedule.min-lr=0", "--no-ema", "--no-jsonl", "--steps=300", "--wandb.mode=offline", "--name=full"],
  ];
  const { code, stdout, stderr } = await underLimit(40, folder, "train", ...words);
  expect(stdout).toContain("Step 300: reached 300 steps.");
  expect(code).toBe(0);
  expect(stderr.match(/"wandb"|W&B/g)).toHaveLength(1);
  expect(stderr).toMatch(/Metric sink "wandb" failed \(EFBIG.*Training goes on\./);
  // What was written before stays.
  const { steps } = await readLocalRun(join(folder, "runs", "full"));
  expect(steps.length).toBeGreaterThan(20);
  expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
});
