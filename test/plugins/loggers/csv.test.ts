import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { decodeLine, encodeLine } from "../../../plugins/loggers/csv/csv.ts";
import { openCsvFile } from "../../../plugins/loggers/csv/csv-file.ts";
import { csv } from "../../../plugins/loggers/csv/index.ts";
import { stats } from "../../../plugins/training/stats/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "csv-"));
});
afterEach(() => rm(directory, { recursive: true }));

const path = () => join(directory, "metrics.csv");
const text = () => readFile(path(), "utf8");
const lines = async () => (await text()).split("\r\n");
const point = (step: number, name: string, value: number) => ({ name, value, step, epoch: 0, split: "train" as const });

describe("a line is written as RFC 4180 says", () => {
  test.each([
    [["1", "a b", ""], "1,a b,\r\n"],
    [["a,b", 'say "x"', "two\nlines"], '"a,b","say ""x""","two\nlines"\r\n'],
    [["", ""], ",\r\n"],
  ])("%j", (cells, line) => {
    expect(encodeLine(cells)).toBe(line);
    expect(decodeLine(line.slice(0, -2))).toEqual(cells);
  });
});

test("a step has one row, whenever its values come in", async () => {
  const file = openCsvFile(path());
  await file.load(0);
  await file.append([point(1, "loss", 0.5), point(1, "lr", 1e-7), point(2, "loss", 0.25)]);
  await file.append([point(2, "lr", 2e-7)]);
  await file.append([point(3, "loss", 0.125)]);
  expect(await lines()).toEqual(["step,epoch,loss,lr", "1,0,0.5,1e-7", "2,0,0.25,2e-7", "3,0,0.125,", ""]);
});

test("a metric that is new gets a column, empty in earlier rows", async () => {
  const file = openCsvFile(path());
  await file.append([point(1, "loss", 1), point(2, "loss", 2)]);
  await file.append([point(2, "val/error, mm", 3), point(3, "loss", 4)]);
  expect(await lines()).toEqual(['step,epoch,loss,"val/error, mm"', "1,0,1,", "2,0,2,3", "3,0,4,", ""]);
});

test("a value that replaces a longer one leaves nothing of it", async () => {
  const file = openCsvFile(path());
  await file.append([point(1, "loss", 0.123456789)]);
  await file.append([point(1, "loss", 1)]);
  expect(await lines()).toEqual(["step,epoch,loss", "1,0,1", ""]);
});

test("what is no finite number is written in words", async () => {
  await openCsvFile(path()).append([
    point(1, "a", Number.NaN),
    point(1, "b", Number.POSITIVE_INFINITY),
    point(1, "c", Number.NEGATIVE_INFINITY),
  ]);
  expect((await lines())[1]).toBe("1,0,NaN,Infinity,-Infinity");
});

test("resuming drops rows that are done again and half a row, and the last row goes on", async () => {
  await writeFile(path(), 'step,epoch,loss,"a,b"\r\n1,0,10,\r\n2,0,20,\r\n3,0,30,3\r\n4,0,4');
  const file = openCsvFile(path());
  await file.load(2);
  expect(await lines()).toEqual(['step,epoch,loss,"a,b"', "1,0,10,", "2,0,20,", ""]);
  await file.append([point(2, "a,b", 7), point(3, "loss", 31)]);
  expect(await lines()).toEqual(['step,epoch,loss,"a,b"', "1,0,10,", "2,0,20,7", "3,0,31,", ""]);
});

test("a thousand steps in pieces of any size are the table of them all", async () => {
  const file = openCsvFile(path());
  const points = Array.from({ length: 3000 }, (_, i) => {
    const step = 1 + Math.floor(i / 3);
    return point(step, ["loss", "lr", step > 500 ? "late" : "norm"][i % 3]!, Math.sin(i) / 3);
  });
  for (let at = 0, size = 1; at < points.length; at += size, size = (size * 7 + 3) % 41 || 1) {
    await file.append(points.slice(at, at + size));
  }
  const [header, ...rows] = (await lines()).slice(0, -1).map((line) => line.split(","));
  expect(header).toEqual(["step", "epoch", "loss", "lr", "norm", "late"]);
  expect(rows.map(([step]) => Number(step))).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  for (const { name, step, value } of points) expect(Number(rows[step - 1]![header!.indexOf(name)])).toBe(value);
});

test("a run writes its metrics and their other names", async () => {
  const aliases = { "train/gradient": "train/grad_norm" };
  const bench = createBench([csv({ aliases }), stats({ every: 2 })], undefined, { directory });
  await bench.start();
  await bench.steps(4);
  await bench.dispose();
  const [header, ...rows] = await lines();
  expect(header).toBe("step,epoch,train/grad_norm,train/gradient,train/param_norm,train/update_ratio");
  expect(rows.map((row) => row.split(",")[0])).toEqual(["2", "4", ""]);
});

test("a folder in the file's place, or a full disk, costs the table and not the run; the person is told once", async () => {
  await mkdir(path());
  const bench = createBench([csv(), stats({ every: 1 })], undefined, { directory });
  await bench.start();
  await bench.steps(3);
  await bench.dispose();
  expect(bench.messages).toEqual([expect.stringMatching(/^Metric sink "csv" failed \(EISDIR.*Training goes on\.$/)]);

  const file = openCsvFile(path());
  await rm(path(), { recursive: true });
  await file.append([point(1, "loss", 1)]);
  await rm(path());
  await symlink("/dev/full", path());
  await expect(file.append([point(2, "loss", 2)])).rejects.toThrow("ENOSPC");
});
