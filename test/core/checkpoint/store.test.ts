import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canonicalJson } from "../../../core/checkpoint/digest.ts";
import {
  checkpointName,
  deleteCheckpoint,
  latestUsable,
  listCheckpoints,
  loadCheckpoint,
  removeTemporary,
  saveCheckpoint,
} from "../../../core/checkpoint/store.ts";
import { isMfError } from "../../../core/errors.ts";
import { createStream } from "../../../core/random.ts";
import { everyType } from "../data/arrays.ts";
import { draftAt, tensorsAt } from "./sample.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-store-"));
});
afterEach(() => rm(folder, { recursive: true }));

const save = (steps: number, name = checkpointName(steps)) =>
  saveCheckpoint(folder, name, draftAt(steps), tensorsAt(steps));
const at = (name: string, file = ""): string => join(folder, name, file);

describe("a checkpoint", () => {
  test("is read as it was written, tensors of every type included", async () => {
    const written = await saveCheckpoint(folder, "a", draftAt(5), everyType);
    const { manifest, tensors, path } = await loadCheckpoint(at("a"));
    expect(tensors).toEqual(everyType);
    expect(manifest).toEqual(written);
    expect(manifest).toMatchObject({ ...draftAt(5), format: 1 });
    expect(path).toBe(at("a"));
    expect(await readdir(folder)).toEqual(["a"]);
    expect((await readdir(at("a"))).sort()).toEqual(["manifest.json", "tensors.safetensors"]);
  });

  test("says which version wrote it and when", async () => {
    const { motionforge, created } = await save(1);
    const { version } = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
    expect(motionforge).toBe(version);
    expect(Math.abs(Date.now() - Date.parse(created))).toBeLessThan(60_000);
  });

  test("keeps a metric that was NaN or infinite readable", async () => {
    const metrics = { loss: Number.NaN, error_mm: Infinity, fine: 1 };
    await saveCheckpoint(folder, "a", { ...draftAt(1), metrics }, {});
    expect((await loadCheckpoint(at("a"))).manifest.metrics).toEqual({
      loss: Number.NaN,
      error_mm: Number.NaN,
      fine: 1,
    });
  });

  test("of equal weights has an equal weights hash, whatever the optimizer holds", async () => {
    const a = await saveCheckpoint(folder, "a", draftAt(1), tensorsAt(3));
    const { "opt/w/m": _, ...rest } = tensorsAt(3);
    const b = await saveCheckpoint(folder, "b", draftAt(2), Object.fromEntries(Object.entries(rest).reverse()));
    const c = await saveCheckpoint(folder, "c", draftAt(1), tensorsAt(4));
    expect(b.weightsSha256).toBe(a.weightsSha256);
    expect(c.weightsSha256).not.toBe(a.weightsSha256);
    expect(b.configHash).toBe(a.configHash);
  });

  test("replaces one of its name", async () => {
    await save(1, "last");
    await save(2, "last");
    expect((await loadCheckpoint(at("last"))).manifest.clock.steps).toBe(2);
    expect(await readdir(folder)).toEqual(["last"]);
  });

  test("cannot have a name that leads elsewhere", async () => {
    for (const name of ["../a", ".a", "a/b", ""])
      await expect(save(1, name)).rejects.toThrow(/cannot name a checkpoint/);
  });

  test("that cannot be written says why and leaves nothing", async () => {
    await writeFile(at("file"), "");
    await expect(saveCheckpoint(at("file"), "a", draftAt(1), {})).rejects.toMatchObject({ code: "MF_FILE_UNWRITABLE" });
    expect(await readdir(folder)).toEqual(["file"]);
  });
});

describe("a damaged checkpoint", () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "tensors cut off",
      () => truncate(at("a", "tensors.safetensors"), 100),
      /tensors.safetensors has 100 bytes, not \d+/,
    ],
    ["tensors missing", () => rm(at("a", "tensors.safetensors")), /tensors.safetensors is missing/],
    ["a manifest missing", () => rm(at("a", "manifest.json")), /manifest.json is missing/],
    ["a manifest cut off", () => truncate(at("a", "manifest.json"), 300), /manifest.json is not JSON/],
    ["an empty manifest", () => writeFile(at("a", "manifest.json"), ""), /manifest.json is not JSON/],
    ["a list for a manifest", () => writeFile(at("a", "manifest.json"), "[]"), /manifest.json is not an object/],
    ["another manifest's text", () => writeFile(at("a", "manifest.json"), '{"format":1}'), /differs from its checksum/],
  ])("with %s names the file", async (_, damage, message) => {
    await save(1, "a");
    await damage();
    const error = await loadCheckpoint(at("a")).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "MF_CHECKPOINT_DAMAGED", detail: { path: at("a") } });
    expect((error as Error).message).toMatch(message);
  });

  test("is noticed whichever bit flipped, in either file", async () => {
    await save(1, "a");
    const random = createStream(0, "bits");
    for (const file of ["manifest.json", "tensors.safetensors"]) {
      const bytes = await readFile(at("a", file));
      for (let i = 0; i < 150; i++) {
        const damaged = Buffer.from(bytes);
        // The last byte of a manifest is a line end, which may be any white space.
        const where = random.below(bytes.length - 1);
        damaged[where] = damaged[where]! ^ (1 << random.below(8));
        await writeFile(at("a", file), damaged);
        const outcome = await loadCheckpoint(at("a")).then(
          ({ manifest }) => manifest,
          (error: unknown) => error,
        );
        // A flip between white spaces is no damage; everything else is.
        if (!isMfError(outcome))
          expect(canonicalJson(JSON.parse(damaged.toString()))).toBe(canonicalJson(JSON.parse(bytes.toString())));
      }
      await writeFile(at("a", file), bytes);
    }
    expect((await loadCheckpoint(at("a"))).tensors).toEqual(tensorsAt(1));
  });

  test("is passed over for the one before it, and reported", async () => {
    for (const steps of [10, 20, 30, 40]) await save(steps);
    await truncate(at("step-00000040", "manifest.json"), 10);
    const tensors = await readFile(at("step-00000030", "tensors.safetensors"));
    tensors[tensors.length - 1]! ^= 1;
    await writeFile(at("step-00000030", "tensors.safetensors"), tensors);

    const usable = await latestUsable(folder);
    expect(usable.manifest.clock.steps).toBe(20);
    expect(usable.tensors).toEqual(tensorsAt(20));
    expect(usable.damaged.map(({ path }) => path)).toEqual([at("step-00000040"), at("step-00000030")]);
    expect(usable.damaged[1]!.problem).toMatch(/tensors.safetensors differs from its checksum/);
  });

  test("alone in its folder leaves none", async () => {
    await save(1);
    await rm(at("step-00000001", "tensors.safetensors"));
    await expect(latestUsable(folder)).rejects.toMatchObject({
      code: "MF_CHECKPOINT_NONE",
      cause: { code: "MF_CHECKPOINT_DAMAGED" },
    });
    await expect(latestUsable(at("nowhere"))).rejects.toMatchObject({ code: "MF_CHECKPOINT_NONE" });
    await expect(loadCheckpoint(at("nowhere"))).rejects.toMatchObject({ code: "MF_CHECKPOINT_NONE" });
  });
});

test("a checkpoint of a later format is not passed over", async () => {
  await save(10);
  await save(20);
  const path = at("step-00000020", "manifest.json");
  await writeFile(path, (await readFile(path, "utf8")).replace('"format": 1', '"format": 2'));
  await expect(latestUsable(folder)).rejects.toThrow(/has format 2; this MotionForge reads up to 1/);
});

describe("the list of checkpoints", () => {
  test("has the most trained first and nothing temporary", async () => {
    for (const steps of [5, 100, 20]) await save(steps);
    await mkdir(at(".tmp-step-00000200-1-00000000"));
    await writeFile(at("best.json"), "{}");
    expect((await listCheckpoints(folder)).map(({ name }) => name)).toEqual([
      "step-00000100",
      "step-00000020",
      "step-00000005",
    ]);
    expect(await listCheckpoints(at("nowhere"))).toEqual([]);
  });

  test("keeps a damaged one in the place its name tells", async () => {
    for (const steps of [10, 20, 30]) await save(steps);
    await rm(at("step-00000020", "manifest.json"));
    const entries = await listCheckpoints(folder);
    expect(entries.map(({ manifest }) => manifest?.clock.steps ?? null)).toEqual([30, null, 10]);
    expect(entries[1]!.problem?.message).toMatch(/step-00000020" is damaged: manifest.json is missing/);
  });
});

describe("after a crash", () => {
  const aside = ".old-last-123-0a1b2c3d";

  test("between stepping aside and taking the place, the old checkpoint is found under its name", async () => {
    await save(1, "last");
    await rename(at("last"), at(aside));
    await mkdir(at(".tmp-last-123-0a1b2c3e"));
    expect((await loadCheckpoint(at("last"))).manifest.clock.steps).toBe(1);
    expect((await latestUsable(folder)).path).toBe(at(aside));
    await removeTemporary(folder);
    expect(await readdir(folder)).toEqual(["last"]);
    expect((await loadCheckpoint(at("last"))).manifest.clock.steps).toBe(1);
  });

  test("before the old one is removed, the new one is found", async () => {
    await save(1, "last");
    await cp(at("last"), at(aside), { recursive: true });
    await save(2, "last");
    expect((await listCheckpoints(folder)).map(({ manifest }) => manifest?.clock.steps)).toEqual([2]);
    await removeTemporary(folder);
    expect(await readdir(folder)).toEqual(["last"]);
    expect((await loadCheckpoint(at("last"))).manifest.clock.steps).toBe(2);
  });
});

test("a deleted checkpoint leaves nothing", async () => {
  await save(1);
  await deleteCheckpoint(at("step-00000001"));
  expect(await readdir(folder)).toEqual([]);
});

test("canonical JSON does not depend on the order of keys", () => {
  expect(canonicalJson({ b: [1, { d: null, c: "x" }], a: true })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
});
