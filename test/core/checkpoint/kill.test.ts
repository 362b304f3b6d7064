import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { latestUsable, listCheckpoints, loadCheckpoint, removeTemporary } from "../../../core/checkpoint/store.ts";
import { createStream } from "../../../core/random.ts";
import { draftAt, tensorsAt } from "./sample.ts";

/** Starts a writer and kills it `delay` ms after its first checkpoint is done; returns the last it said was done. */
async function writeUntilKilled(directory: string, first: number, delay: number): Promise<number> {
  const script = fileURLToPath(new URL("./save-forever.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, directory, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(child.stdout, "data");
  await new Promise((done) => setTimeout(done, delay));
  child.kill("SIGKILL");
  await once(child, "close");
  return Number(said.trim().split("\n").at(-1));
}

test("after kill -9 at any moment of a save, the newest checkpoint is whole and no older than the last one finished", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mf-kill-"));
  const random = createStream(0, "kill");
  try {
    let first = 1;
    for (let round = 0; round < 14; round++) {
      const done = await writeUntilKilled(directory, first, random.uniform() * 60);

      const { manifest, tensors, damaged } = await latestUsable(directory);
      expect(damaged).toEqual([]);
      expect(manifest.clock.steps).toBeGreaterThanOrEqual(done);
      expect(manifest).toMatchObject(draftAt(manifest.clock.steps));
      expect(tensors).toEqual(tensorsAt(manifest.clock.steps, 50_000));
      // "last" is replaced every second time: there is always one, under its name, and it is whole.
      if (done > 1)
        expect((await loadCheckpoint(join(directory, "last"))).manifest.clock.steps).toBeGreaterThanOrEqual(done - 1);

      const names = (await listCheckpoints(directory)).map(({ name }) => name);
      await removeTemporary(directory);
      expect((await readdir(directory)).sort()).toEqual([...names].sort());
      for (const name of names.filter((n) => n !== "last")) await rm(join(directory, name), { recursive: true });
      first = manifest.clock.steps + 1;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);
