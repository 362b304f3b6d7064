import { join } from "node:path";
import { expect, test } from "vitest";
import { gaitInspector } from "../../../../../plugins/tasks/gait/data/inspect.ts";
import { channelOf, folderOf, motions, PARAMETERS } from "./folders.ts";

// biome-ignore lint/suspicious/noExplicitAny: the document is looked into at many places.
const documentOf = async (path: string): Promise<any> => (await gaitInspector.inspect({}, path, () => {})).document;

test("a folder is described by file, by parameter and by channel, with what is wrong in it", async () => {
  const odd = motions(5, 10);
  const params = odd["params"]!.data as Float32Array;
  params[0] = 1.5;
  params[PARAMETERS.length] = 0.5;
  params[2 * PARAMETERS.length] = 0.25;
  params[2] = Number.NaN;
  (odd["motions"]!.data as Float32Array)[6060 + 101 + 7] = Number.NEGATIVE_INFINITY;
  const marked = { ...motions(3, 15), synthetic: { dtype: "int32", shape: [1], data: Int32Array.of(1) } as const };
  const folder = await folderOf({
    "a.npz": motions(10),
    "b.npz": odd,
    "c.npz": new Uint8Array(100),
    "d.npz": marked,
  });
  const shares: number[] = [];
  const { document, tables } = await gaitInspector.inspect({}, folder, (share) => shares.push(share));
  expect(shares).toEqual([0.25, 0.5, 0.75, 1]);
  expect(document).toMatchObject({
    motions: 18,
    synthetic: true,
    nan: 1,
    infinite: 1,
    out_of_range: { gait_stride: 3 },
  });
  const { files, parameters, channels } = document as Record<string, Record<string, unknown>[]>;
  expect(files).toEqual([
    { file: "a.npz", motions: 10, synthetic: false, nan: 0, infinite: 0, out_of_range: {} },
    { file: "b.npz", motions: 5, synthetic: false, nan: 1, infinite: 1, out_of_range: { gait_stride: 3 } },
    { file: "c.npz", problem: expect.stringContaining("not a complete zip archive") },
    { file: "d.npz", motions: 3, synthetic: true, nan: 0, infinite: 0, out_of_range: {} },
  ]);
  expect(parameters![0]).toEqual({
    name: "gait_stride",
    group: "gait",
    allowed: [0.75, 1.25],
    min: 0.25,
    max: 1.5,
    nan: 0,
    infinite: 0,
    below: 2,
    above: 1,
  });
  expect(parameters![2]).toMatchObject({ name: PARAMETERS[2]!.name, nan: 1, below: 0, above: 0 });
  expect(channels!.map(({ name }) => name)).toHaveLength(101);
  expect(channels![7]).toEqual({
    name: "Pelvis.height",
    min: Math.fround(channelOf(0, 0, 7)),
    max: Math.fround(channelOf(17, 59, 7)),
    nan: 0,
    infinite: 1,
  });
  const titles = tables.map(({ title }) => title);
  expect(titles).toEqual(["Files", "Parameters that are no numbers or out of their ranges", "Parameters", "Channels"]);
  expect(tables[1]!.rows.map(([name]) => name)).toEqual(["gait_stride", PARAMETERS[2]!.name]);
});

test("one file is described, and is an error where it cannot be read", async () => {
  const folder = await folderOf({ "a.npz": motions(2), "b.npz": new Uint8Array(7) });
  expect((await documentOf(join(folder, "a.npz"))).motions).toBe(2);
  await expect(documentOf(join(folder, "b.npz"))).rejects.toMatchObject({ code: "MF_FILE_FORMAT" });
  await expect(documentOf(join(folder, "c.npz"))).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
});
