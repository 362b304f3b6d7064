import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunFolder, latestRun, lockRun, runOf } from "../../core/run-folder.ts";

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), "mf-runs-"));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

test("runs without a name are numbered after their preset", async () => {
  expect((await createRunFolder(runs, null, "panda")).name).toBe("panda-001");
  expect((await createRunFolder(runs, null, "panda")).name).toBe("panda-002");
  expect((await createRunFolder(runs, null, "ur10")).name).toBe("ur10-001");
});

test("runs started at once get folders of their own", async () => {
  const names = (await Promise.all(Array.from({ length: 8 }, () => createRunFolder(runs, null, "p")))).map(
    (r) => r.name,
  );
  expect(new Set(names).size).toBe(8);
});

test("a name that is taken is refused", async () => {
  await createRunFolder(runs, "mine", "p");
  await expect(createRunFolder(runs, "mine", "p")).rejects.toThrow("MF_RUN_EXISTS");
});

test("a run is found by its folder, its checkpoints and a checkpoint in it, and the newest by its preset", async () => {
  const folder = await createRunFolder(runs, "mine", "p");
  for (const path of [folder.path, folder.checkpoints, join(folder.checkpoints, "step-00000010")]) {
    expect((await runOf(path)).path).toBe(folder.path);
  }
  expect((await latestRun(runs, "mi")).name).toBe("mine");
  await expect(latestRun(runs, "other")).rejects.toThrow("MF_CHECKPOINT_NONE");
});

test("a run is trained by one process at a time; the lock of a dead one is taken over", async () => {
  const folder = await createRunFolder(runs, "mine", "p");
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await writeFile(join(folder.path, "lock"), String(other.pid));
  await expect(lockRun(folder)).rejects.toThrow(`is being trained by process ${other.pid}`);
  const gone = new Promise((resolve) => other.on("exit", resolve));
  other.kill("SIGKILL");
  await gone;
  const unlock = await lockRun(folder);
  expect(await readFile(join(folder.path, "lock"), "utf8")).toBe(String(process.pid));
  await unlock();
  await expect(readFile(join(folder.path, "lock"))).rejects.toThrow();
});
