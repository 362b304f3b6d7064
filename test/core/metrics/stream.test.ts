import { expect, test } from "vitest";
import type { Media } from "../../../core/metrics/media.ts";
import { createMetricStream, type MetricPoint } from "../../../core/metrics/stream.ts";

const point = (step: number): MetricPoint => ({ name: "train/loss", value: step, step, epoch: 0, split: "train" });
const note = (step: number, text = "note"): Media => ({ kind: "text", name: "note", step, epoch: 0, text });
const steps = (points: readonly MetricPoint[]): number[] => points.map((p) => p.step);
const turn = () => new Promise((resolve) => setImmediate(resolve));

function open() {
  const warnings: string[] = [];
  return { warnings, stream: createMetricStream((message) => void warnings.push(message)) };
}

test("a sink gets every point in order, and what one turn records in one piece", async () => {
  const { stream } = open();
  const written: number[][] = [];
  stream.sink("list", (points) => void written.push(steps(points)));
  stream.record([point(1), point(2)]);
  stream.record([point(3)]);
  expect(written).toEqual([]);
  await stream.drain(1000);
  stream.record([point(4)]);
  await stream.drain(1000);
  expect(written).toEqual([[1, 2, 3], [4]]);
});

test("a slow sink is never called twice at once, and misses nothing", async () => {
  const { stream } = open();
  const written: number[] = [];
  let busy = 0;
  stream.sink("slow", async (points) => {
    busy += 1;
    expect(busy).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 2));
    written.push(...steps(points));
    busy -= 1;
  });
  for (let i = 0; i < 50; i++) {
    stream.record([point(i)]);
    if (i % 7 === 0) await turn();
  }
  await stream.drain(5000);
  expect(written).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test("a point recorded in the very moment a write ends is written too", async () => {
  const { stream } = open();
  const written: number[] = [];
  stream.sink("echo", (points) => {
    written.push(...steps(points));
    // After the sink's loop has seen an empty buffer, in the microtasks that follow.
    if (points[0]!.step < 20) {
      let later = Promise.resolve();
      for (let i = 0; i < points[0]!.step; i++) later = later.then(() => {});
      void later.then(() => stream.record([point(points[0]!.step + 1)]));
    }
  });
  stream.record([point(0)]);
  for (let i = 0; i < 25; i++) {
    await turn();
    await stream.drain(1000);
  }
  expect(written).toEqual(Array.from({ length: 21 }, (_, i) => i));
});

test.each([
  [
    "throws",
    () => {
      throw new Error("disk full");
    },
  ],
  ["rejects", () => Promise.reject(new Error("disk full"))],
])("a sink that %s is reported once and gets no more; the others go on", async (_how, write) => {
  const { stream, warnings } = open();
  const written: number[] = [];
  stream.sink("broken", write);
  stream.sink("sound", (points) => void written.push(...steps(points)));
  for (let i = 0; i < 3; i++) {
    stream.record([point(i)]);
    await stream.drain(1000);
  }
  expect(written).toEqual([0, 1, 2]);
  expect(warnings).toEqual(['Metric sink "broken" failed (disk full); it gets no more metrics. Training goes on.']);
});

test("a sink that hangs holds the end up for the time given, once", async () => {
  const { stream, warnings } = open();
  stream.sink("hung", () => new Promise(() => {}));
  stream.record([point(1)]);
  await stream.drain(20);
  stream.record([point(2)]);
  await stream.drain(20);
  expect(warnings).toEqual([
    'Metric sink "hung" did not finish within 0.02 s; it gets no more metrics. Training goes on.',
  ]);
});

test("a sink that hangs is dropped once a hundred thousand points wait for it", () => {
  const { stream, warnings } = open();
  stream.sink("hung", () => new Promise(() => {}));
  for (let i = 0; i < 100_001; i++) stream.record([point(i)]);
  expect(warnings).toEqual([
    'Metric sink "hung" fell 100000 points behind; it gets no more metrics. Training goes on.',
  ]);
});

test("observers see the end", () => {
  const { stream } = open();
  const seen: unknown[] = [];
  stream.points.subscribe({ next: (p) => seen.push(p.step), complete: () => seen.push("end") });
  stream.record([point(1)]);
  stream.complete();
  expect(seen).toEqual([1, "end"]);
});

test("points, media and actions reach a sink in the order they came in, whatever each takes", async () => {
  const { stream } = open();
  const seen: string[] = [];
  const slowly = (what: string) => async () => {
    await turn();
    seen.push(what);
  };
  const sink = stream.sink("list", (points) => slowly(`points ${steps(points)}`)(), {
    media: (items) => slowly(`media ${items.map((m) => m.step)}`)(),
  });
  sink.act(slowly("open"));
  stream.record([point(1), point(2)]);
  stream.publish([note(2), note(2)]);
  stream.record([point(3)]);
  sink.act(slowly("close"));
  await stream.drain(1000);
  expect(seen).toEqual(["open", "points 1,2", "media 2,2", "points 3", "close"]);
});

test("a sink without a media writer gets its numbers in one piece, and media cost it nothing", async () => {
  const { stream } = open();
  const written: number[][] = [];
  stream.sink("numbers", (points) => void written.push(steps(points)));
  stream.record([point(1)]);
  stream.publish([note(1)]);
  stream.record([point(2)]);
  await stream.drain(1000);
  expect(written).toEqual([[1, 2]]);
});

test.each(["media", "act"] as const)(
  "a sink that fails in %s gets neither media nor points any more",
  async (where) => {
    const { stream, warnings } = open();
    const written: number[] = [];
    const fail = () => Promise.reject(new Error("disk full"));
    const sink = stream.sink("broken", (points) => void written.push(...steps(points)), { media: fail });
    stream.record([point(1)]);
    if (where === "media") stream.publish([note(1)]);
    else sink.act(fail);
    stream.record([point(2)]);
    await stream.drain(1000);
    stream.record([point(3)]);
    stream.publish([note(3)]);
    sink.act(fail);
    await stream.drain(1000);
    expect(written).toEqual([1]);
    expect(warnings).toEqual(['Metric sink "broken" failed (disk full); it gets no more metrics. Training goes on.']);
  },
);

test("a sink that hangs is dropped once twenty million characters of media wait for it", async () => {
  const { stream, warnings } = open();
  stream.sink("hung", () => {}, { media: () => new Promise(() => {}) });
  const large = "x".repeat(1_000_000);
  for (let i = 0; i < 20; i++) stream.publish([note(i, large)]);
  expect(warnings).toEqual([]);
  stream.publish([note(20, large)]);
  await stream.drain(1000);
  expect(warnings).toEqual([
    'Metric sink "hung" fell 20 MB of media behind; it gets no more metrics. Training goes on.',
  ]);
});

test("settling waits for what was recorded, and for a sink that hangs only once", async () => {
  const { stream, warnings } = open();
  const written: number[] = [];
  let release = (): void => {};
  const slow = async (points: readonly MetricPoint[]) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    written.push(...steps(points));
  };
  stream.sink("slow", slow);
  stream.record([point(1)]);
  const settled = stream.settle(60_000);
  for (let i = 0; i < 3; i++) await turn();
  release();
  await settled;
  expect(written).toEqual([1]);

  stream.record([point(2)]);
  await stream.settle(10);
  // It holds up nothing more until it has caught up: this would take a minute.
  await stream.settle(60_000);
  expect(written).toEqual([1]);
  release();
  await stream.drain(1000);
  expect(written).toEqual([1, 2]);
  stream.record([point(3)]);
  await turn();
  setTimeout(() => release(), 5);
  await stream.settle(60_000);
  expect([written, warnings]).toEqual([[1, 2, 3], []]);
});
