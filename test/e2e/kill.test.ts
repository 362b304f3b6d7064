import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createStream } from "../../core/random.ts";
import { checkpointHashes, metricRows, run, small, start } from "./mf.ts";

let folder: string;
// A checkpoint every step, so that many of the kills fall into a save.
const options = [...small, "--train.validate=25 steps", "--checkpointing.every=1 steps", "--steps=150"];
const kills = 8;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-kill-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("kill -9 at any moment, also in a save, leaves a run that continues to the same weights and metrics", async () => {
  expect((await run(folder, "train", ...options, "--name=whole")).code).toBe(0);
  const random = createStream(7, "kill");
  let started = false;
  for (let i = 0; i < kills; i++) {
    const child = start(folder, "train", ...options, "--name=killed", ...(started ? ["--resume=last"] : []));
    const ended = new Promise((resolve) => child.on("exit", resolve));
    let said = "";
    child.stderr!.on("data", (chunk) => {
      said += chunk;
    });
    // Until it has a checkpoint there is nothing to continue from; after that, any moment will do.
    while (!started && child.exitCode === null) {
      const names = await readdir(join(folder, "runs", "killed", "checkpoints")).catch(() => []);
      started = names.some((name) => name.startsWith("step-"));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 700 + 900 * random.uniform()));
    child.kill("SIGKILL");
    await ended;
    expect(said).not.toContain("MF_");
  }
  const last = await run(folder, "train", ...options, "--name=killed", "--resume=last");
  // A kill may have come after the last step.
  if (last.code !== 0) expect(last.stderr).toContain("MF_RUN_STOPPED");
  expect(await checkpointHashes(folder, "killed", 150)).toEqual(await checkpointHashes(folder, "whole", 150));
  expect(await metricRows(folder, "killed")).toEqual(await metricRows(folder, "whole"));
}, 180_000);
