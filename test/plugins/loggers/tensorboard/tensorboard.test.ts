import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Media } from "../../../../core/metrics/media.ts";
import { definePlugin } from "../../../../core/plugin.ts";
import { type Bench, type BenchOptions, createBench, useBackend } from "../../../../core/testing/index.ts";
import { appendEvents, truncateEvents } from "../../../../plugins/loggers/tensorboard/event-file.ts";
import { scalars, versionEvent } from "../../../../plugins/loggers/tensorboard/events.ts";
import { tensorboard } from "../../../../plugins/loggers/tensorboard/index.ts";
import { crc32c, encodeRecord } from "../../../../plugins/loggers/tensorboard/record.ts";
import {
  crc32c as bitwise,
  curve,
  endStatus,
  hparamsOf,
  parseEvents,
  type ReadEvent,
  readEvents,
} from "./read-events.ts";

beforeAll(async () => void (await useBackend("cpu")));

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tensorboard-"));
});
afterEach(() => rm(directory, { recursive: true }));

const folder = () => join(directory, "tensorboard");

/** Records `train/loss` = 10·step after each step. */
const recorder = definePlugin({
  name: "recorder",
  summary: "",
  options: z.strictObject({}),
  setup: ({ hooks, metrics }) =>
    hooks.onStep.tap("recorder", ({ clock: { steps: step } }) =>
      metrics.record([{ name: "train/loss", value: 10 * step, step, epoch: 0, split: "train" }]),
    ),
});
const publisher = (items: readonly Media[]) =>
  definePlugin({
    name: "publisher",
    summary: "",
    options: z.strictObject({}),
    setup: ({ hooks, metrics }) => hooks.onStep.tap("publisher", () => metrics.publish(items)),
  })();

async function run(
  plugins: Parameters<typeof createBench>[0],
  steps: number,
  options: BenchOptions = {},
): Promise<Bench> {
  const bench = createBench(plugins, undefined, { directory, ...options });
  await bench.start();
  await bench.steps(steps);
  await bench.finish();
  await bench.dispose();
  return bench;
}

describe("checksums", () => {
  test("CRC-32C of 123456789 is e3069283, and of 32 zeros 8a9136aa (RFC 3720, B.4)", () => {
    expect(crc32c(Buffer.from("123456789")).toString(16)).toBe("e3069283");
    expect(crc32c(new Uint8Array(32)).toString(16)).toBe("8a9136aa");
  });

  test("any bytes have the CRC that is computed bit by bit", () => {
    for (let length = 0; length < 300; length += 7) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 255);
      expect(crc32c(bytes)).toBe(bitwise(bytes));
    }
  });
});

test("the first event names the format, and every number is under its step with the time it was written", async () => {
  const before = Date.now() / 1000;
  await run([tensorboard({ aliases: { loss: "train/loss" } }), recorder()], 3);
  const events = await readEvents(folder());
  expect(events[0]!.version).toBe("brain.Event:2");
  expect(curve(events, "train/loss")).toEqual([
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
  expect(curve(events, "loss")).toEqual(curve(events, "train/loss"));
  for (const { seconds } of events) {
    expect(seconds).toBeGreaterThanOrEqual(before);
    expect(seconds).toBeLessThanOrEqual(Date.now() / 1000);
  }
  expect(await readdir(folder())).toEqual([expect.stringMatching(/^events\.out\.tfevents\.\d{10}\..+\.\d+\.0\.v2$/)]);
});

test("the configuration is a table, and its values are hyperparameters", async () => {
  const config = {
    preset: "p|q",
    optimizer: { lr: 1e-3, name: "adamw" },
    plugins: { ema: {} },
    name: null,
    list: [1, 2],
  };
  await run(tensorboard(), 1, { settings: { config: { ...config, on: true } } });
  const values = (await readEvents(folder())).flatMap((event) => event.values);
  const table = values.find(({ tag }) => tag === "config")!;
  expect(table).toMatchObject({ plugin: "text", dataClass: 2, tensor: { dtype: 7, shape: [] } });
  expect(table.tensor!.strings[0]!.toString().split("\n")).toEqual([
    "| setting | value |",
    "| --- | --- |",
    '| preset | "p\\|q" |',
    "| optimizer.lr | 0.001 |",
    '| optimizer.name | "adamw" |',
    "| plugins.ema | {} |",
    "| name | null |",
    "| list | [1,2] |",
    "| on | true |",
  ]);
  const start = values.find(({ tag }) => tag === "_hparams_/session_start_info")!;
  expect(start).toMatchObject({ plugin: "hparams", dataClass: 2, tensor: { dtype: 1, shape: [0] } });
  expect(hparamsOf(start.content)).toEqual({
    preset: "p|q",
    "optimizer.lr": 1e-3,
    "optimizer.name": "adamw",
    "plugins.ema": "{}",
    list: "[1,2]",
    on: true,
  });
});

test.each([
  ["completed", 1],
  ["stopped", 1],
  ["failed", 2],
  ["interrupted", null],
] as const)("a run that is %s ends its session with status %s", async (outcome, status) => {
  const bench = createBench(tensorboard(), undefined, { directory });
  await bench.start();
  await bench.finish(outcome);
  await bench.dispose();
  const values = (await readEvents(folder())).flatMap((event) => event.values);
  const end = values.find(({ tag }) => tag === "_hparams_/session_end_info");
  expect(end === undefined ? null : endStatus(end.content)).toBe(status);
});

test("histograms, tables, text and pictures are what their dashboards read", async () => {
  const at = { step: 1, epoch: 0 };
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20" fill="#f00"/></svg>';
  const bench = await run(
    [
      tensorboard(),
      publisher([
        { kind: "histogram", name: "weights/w", ...at, edges: [0, 0.5, 2], counts: [3, 4] },
        {
          kind: "table",
          name: "poses",
          ...at,
          columns: ["a", "b"],
          rows: [
            [1, "x|y\nz"],
            [null, 2],
          ],
        },
        { kind: "text", name: "note", ...at, text: "# größer" },
        { kind: "image", name: "val/red", ...at, svg },
      ]),
    ],
    1,
  );
  expect(bench.messages).toEqual([]);
  const values = (await readEvents(folder())).flatMap((event) => event.values);
  const named = (tag: string) => values.find((value) => value.tag === tag)!;
  const histogram = named("weights/w");
  expect(histogram).toMatchObject({ plugin: "histograms", dataClass: 2, tensor: { dtype: 2, shape: [2, 3] } });
  const numbers = Array.from({ length: 6 }, (_, i) => histogram.tensor!.bytes.readDoubleLE(8 * i));
  expect(numbers).toEqual([0, 0.5, 3, 0.5, 2, 4]);
  expect(named("poses").tensor!.strings[0]!.toString()).toBe("| a | b |\n| --- | --- |\n| 1 | x\\|y z |\n|  | 2 |");
  expect(named("note").tensor!.strings[0]!.toString()).toBe("# größer");
  const image = named("val/red");
  expect(image).toMatchObject({ plugin: "images", dataClass: 3, tensor: { dtype: 7, shape: [3] } });
  const [width, height, png] = image.tensor!.strings as [Buffer, Buffer, Buffer];
  expect([width.toString(), height.toString()]).toEqual(["30", "20"]);
  // A PNG's signature, and its size in the first chunk.
  expect(png.subarray(0, 8).toString("hex")).toBe("89504e470d0a1a0a");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([30, 20]);
});

describe("a run that is resumed", () => {
  /** Trains to `steps`, is killed, and goes on from step 2. */
  const killed = async (tail: string, between: () => Promise<void> = async () => {}): Promise<void> => {
    const first = createBench([tensorboard({ aliases: {} }), recorder()], undefined, { directory });
    await first.start();
    await first.steps(2);
    const saved = first.save();
    await first.steps(3);
    await first.dispose();
    const [name] = await readdir(folder());
    await appendFile(join(folder(), name!), Buffer.from(tail, "hex"));
    await between();
    const second = createBench([tensorboard({ aliases: {} }), recorder()], undefined, { directory });
    second.load(saved);
    await second.start("a checkpoint");
    await second.steps(3);
    await second.dispose();
  };

  test.each([
    ["a whole file", ""],
    ["half a header", "18000000"],
    ["half a record", "1800000000000000a37f4b2200112233"],
  ])("has every step once, from %s", async (_what, tail) => {
    await killed(tail);
    const events = await readEvents(folder());
    expect(curve(events, "train/loss")).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
      [4, 40],
      [5, 50],
    ]);
    expect(await readdir(folder())).toHaveLength(2);
  });

  test("has every step once also for a TensorBoard that read the old file before it was cut", async () => {
    let old: ReadEvent[] = [];
    await killed("", async () => {
      old = await readEvents(folder());
    });
    const [, second] = (await readdir(folder())).sort();
    const events = [...old, ...parseEvents(await readFile(join(folder(), second!)))];
    expect(curve(old, "train/loss")).toHaveLength(5);
    // TensorBoard's rule: a start that is not the first purges what is in memory from its step on.
    let known: ReadEvent[] = [];
    let starts = 0;
    for (const event of events) {
      if (event.session === 1 && ++starts > 1) known = known.filter(({ step }) => step < event.step);
      known.push(event);
    }
    expect(curve(known, "train/loss").map(([step]) => step)).toEqual([1, 2, 3, 4, 5]);
  });

  test("takes back the end that it had, so that a longer run may fail or succeed again", async () => {
    const first = createBench([tensorboard(), recorder()], undefined, { directory });
    await first.start();
    await first.steps(2);
    await first.finish("completed");
    const saved = first.save();
    await first.dispose();
    const second = createBench([tensorboard(), recorder()], undefined, { directory });
    second.load(saved);
    await second.start("a checkpoint");
    await second.steps(1);
    await second.finish("failed");
    await second.dispose();
    const values = (await readEvents(folder())).flatMap((event) => event.values);
    const ends = values.filter(({ tag }) => tag === "_hparams_/session_end_info");
    expect(ends.map(({ content }) => endStatus(content))).toEqual([2]);
  });

  test("writes to files whose names come later, even when the clock was set back", async () => {
    const later = "events.out.tfevents.4000000000.host.1.0.v2";
    await run([tensorboard(), recorder()], 1);
    await appendEvents(join(folder(), later), [versionEvent(4e9), scalars({ seconds: 4e9, step: 1 }, [["x", 1]])]);
    await run([tensorboard(), recorder()], 1);
    expect((await readdir(folder())).sort().at(-1)).toMatch(/^events\.out\.tfevents\.4000000001\./);
  });
});

test("a file that is no event file is cut where it stops making sense, and others are left alone", async () => {
  const good = encodeRecord(versionEvent(1));
  const path = join(directory, "events.out.tfevents.1.h.1.0.v2");
  await writeFile(path, Buffer.concat([good, Buffer.from("not a record, but long enough to be read as one")]));
  await writeFile(join(directory, "notes.txt"), "mine");
  await truncateEvents(directory, 10);
  expect((await stat(path)).size).toBe(good.length);
  expect((await stat(join(directory, "notes.txt"))).size).toBe(4);
});

test("a full disk is an error of the sink", async () => {
  await expect(appendEvents("/dev/full", [versionEvent(1)])).rejects.toThrow("ENOSPC");
});

test("a file in the folder's place costs the events, not the run, and the person is told once", async () => {
  await writeFile(folder(), "");
  const bench = await run([tensorboard(), recorder()], 3);
  expect(bench.clock.steps).toBe(3);
  expect(bench.messages).toEqual([
    expect.stringMatching(/^Metric sink "tensorboard" failed \(E\w+.*Training goes on\.$/),
  ]);
});

test("the reader notices a flipped bit", () => {
  const record = encodeRecord(scalars({ seconds: 1, step: 1 }, [["x", 1]]));
  for (let i = 0; i < record.length; i++) {
    const flipped = Buffer.from(record);
    flipped[i]! ^= 1;
    expect(() => parseEvents(flipped)).toThrow();
  }
});
