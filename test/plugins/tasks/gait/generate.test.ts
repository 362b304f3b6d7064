import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpz } from "../../../../core/data/npz.ts";
import { gaitGenerator } from "../../../../plugins/tasks/gait/synthetic/generate.ts";
import { syntheticMotion } from "../../../../plugins/tasks/gait/synthetic/motion.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mf-gait-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const generate = (out: string, seed = 0, progress: (share: number) => void = () => {}) =>
  gaitGenerator.generate({ motions: 20, files: 2, seed }, join(folder, out), progress);
const read = (out: string, index: number) => readNpz(join(folder, out, `synthetic-000${index}.npz`));

describe("generated gait", () => {
  test("is a folder of marked files of motions and their raw parameters", async () => {
    const shares: number[] = [];
    const written = await generate("a", 0, (share) => shares.push(share));
    expect(written).toMatchObject({ files: 2, motions: 40, seed: 0, synthetic: true });
    expect(readdirSync(join(folder, "a")).sort()).toEqual(["synthetic-0000.npz", "synthetic-0001.npz"]);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);

    const { motions, params, synthetic } = await read("a", 1);
    expect([motions!.dtype, motions!.shape, params!.dtype, params!.shape]).toEqual([
      "float32",
      [20, 6060],
      "float32",
      [20, 279],
    ]);
    expect([synthetic!.shape, [...(synthetic!.data as Int32Array)]]).toEqual([[1], [1]]);
    const last = syntheticMotion(params!.data as Float32Array, 19 * 279);
    expect((motions!.data as Float32Array).subarray(19 * 6060)).toEqual(last);
  });

  test("depends on the seed and the file, and on nothing else", async () => {
    await generate("b");
    await generate("c", 1);
    const [a, again, other] = await Promise.all(["a", "b", "c"].map((out) => read(out, 0)));
    const next = await read("a", 1);
    expect(again).toEqual(a);
    expect(other!["params"]).not.toEqual(a!["params"]);
    expect(next["params"]).not.toEqual(a!["params"]);
  });

  test("goes into an empty folder only", async () => {
    await expect(generate("a")).rejects.toThrow("is not empty, and data would be mixed");
    writeFileSync(join(folder, "file"), "");
    await expect(generate("file")).rejects.toMatchObject({ fault: "user", code: "MF_FILE_UNWRITABLE" });
  });
});
