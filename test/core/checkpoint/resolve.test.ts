import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBest, retain, writeBest } from "../../../core/checkpoint/best.ts";
import { parseAlias, resolveCheckpoint } from "../../../core/checkpoint/resolve.ts";
import { checkpointName, listCheckpoints, saveCheckpoint } from "../../../core/checkpoint/store.ts";
import { draftAt, tensorsAt } from "./sample.ts";

let run: string;
let folder: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "mf-run-"));
  folder = join(run, "checkpoints");
});
afterEach(() => rm(run, { recursive: true }));

const save = (steps: number) => saveCheckpoint(folder, checkpointName(steps), draftAt(steps), tensorsAt(steps));
const pointBest = (steps: number) =>
  writeBest(folder, { checkpoint: checkpointName(steps), metric: "val/position_error_mm", value: 1.5 });
const names = async () => (await listCheckpoints(folder)).map(({ name }) => name);

describe("a checkpoint is found", () => {
  beforeEach(async () => {
    for (const steps of [5000, 50_000, 60_000]) await save(steps);
    await pointBest(5000);
  });

  test.each([
    ["last", 60_000],
    ["best", 5000],
    ["step-00050000", 50_000],
    ["model_step50000", 50_000],
    ["model_step50000.pth", 50_000],
    ["checkpoint_50k", 50_000],
    ["checkpoint_50k.pt", 50_000],
    ["checkpoint_step_50000", 50_000],
    ["50000", 50_000],
    ["checkpoint_epoch_50", 5000],
    ["best_model", 5000],
    ["best_model.pt", 5000],
    ["final_model.pth", 60_000],
  ])("as %s", async (which, steps) => {
    const expected = join(folder, checkpointName(steps));
    expect(await resolveCheckpoint(run, which)).toBe(expected);
    expect(await resolveCheckpoint(folder, which)).toBe(expected);
  });

  test("as a path, also one that ends in an alias", async () => {
    const path = join(folder, "step-00050000");
    expect(await resolveCheckpoint("elsewhere", path)).toBe(path);
    expect(await resolveCheckpoint(path)).toBe(path);
    expect(await resolveCheckpoint("elsewhere", join(run, "checkpoint_50k.pth"))).toBe(path);
    expect(await resolveCheckpoint(run)).toBe(join(folder, "step-00060000"));
  });

  test("or an unknown name is refused with the known ones", async () => {
    await expect(resolveCheckpoint(run, "checkpoint_70k")).rejects.toMatchObject({
      code: "MF_UNKNOWN",
      detail: { known: ["last", "best", "step-00060000", "step-00050000", "step-00005000"] },
    });
    await expect(resolveCheckpoint(run, "step-00050001")).rejects.toThrow(
      /Did you mean "step-0005000\d"|Did you mean "step/,
    );
  });
});

test("a run without checkpoints, or without a best one, says so", async () => {
  await expect(resolveCheckpoint(run, "last")).rejects.toMatchObject({ code: "MF_CHECKPOINT_NONE" });
  await save(1);
  await expect(resolveCheckpoint(run, "best")).rejects.toThrow(/No usable checkpoint in ".*\(best\)"/);
});

test("aliases are read as what they count", () => {
  expect(parseAlias("checkpoint_2m")).toEqual({ steps: 2_000_000 });
  expect(parseAlias("CKPT-epoch=7.ckpt")).toEqual({ epochs: 7 });
  expect(parseAlias("model_latest")).toBe("last");
  expect(parseAlias("panda")).toBeUndefined();
});

describe("the best checkpoint", () => {
  test("is a pointer that is read back", async () => {
    expect(await readBest(folder)).toBeNull();
    await save(1);
    await pointBest(1);
    expect(await readBest(folder)).toEqual({
      checkpoint: "step-00000001",
      metric: "val/position_error_mm",
      value: 1.5,
    });
  });

  test("survives retention, as do the named and the newest ones", async () => {
    for (const steps of [1, 2, 3, 4, 5, 6]) await save(steps);
    await pointBest(2);
    expect(await retain(folder, { last: 2, keep: ["step-00000003"] })).toEqual(["step-00000004", "step-00000001"]);
    expect(await names()).toEqual([6, 5, 3, 2].map(checkpointName));
    expect((await readdir(folder)).sort()).toEqual(["best.json", ...[2, 3, 5, 6].map(checkpointName)]);
  });

  test("is never lost to a pointer that cannot be read: nothing is deleted", async () => {
    for (const steps of [1, 2, 3]) await save(steps);
    await writeFile(join(folder, "best.json"), "{");
    await expect(retain(folder, { last: 1 })).rejects.toMatchObject({ code: "MF_FILE_FORMAT" });
    expect(await names()).toHaveLength(3);
  });
});

test("retention neither counts nor deletes a damaged checkpoint", async () => {
  for (const steps of [1, 2, 3]) await save(steps);
  await rm(join(folder, "step-00000003", "manifest.json"));
  expect(await retain(folder, { last: 1 })).toEqual(["step-00000001"]);
  expect(await names()).toEqual(["step-00000003", "step-00000002"]);
});
