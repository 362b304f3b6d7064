import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { viewOf } from "../../../../core/graph/runtime/heap.ts";
import { runtimeAvailable } from "../../../../core/graph/runtime/package.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { Memory } from "../../../../core/graph/tail/webassembly.ts";
import { gradient, mixed, normals, placed } from "./models.ts";

const apis = ["node", "c"] as const;
const pages = (initial: number) => new Memory({ initial });
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const bits = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

test("the runtime is there, and says its version", async () => {
  expect(await runtimeAvailable()).toEqual({ ok: true, version: expect.stringMatching(/^1\.\d+\.\d+$/) });
});

test("the C API is taken for the cpu, the package's for the rest", async () => {
  const runtime = await openRuntime({ threads: 1 });
  expect(runtime).toMatchObject({ device: "cpu", api: "c", precision: "float32" });
  expect(runtime.description).toMatch(/^ONNX Runtime 1\.\d+\.\d+ \(C API\), cpu, 1 thread$/);
  expect((await openRuntime({ api: "node", threads: 2 })).description).toMatch(/^ONNX Runtime [\d.]+, cpu, 2 threads$/);
  await expect(openRuntime({ api: "c", device: "webgpu" })).rejects.toMatchObject({ code: "MF_RUNTIME_API" });
});

const inputs = { x: { shape: [4] }, mask: { shape: [4], dtype: "bool" }, empty: { shape: [0, 3] } } as const;
const outputs = {
  negative: { shape: [4] },
  same: { shape: [4] },
  masked: { shape: [4] },
  inverse: { shape: [4], dtype: "bool" },
  whole: { shape: [4], dtype: "int32" },
  nothing: { shape: [0, 3] },
} as const;

for (const api of apis) {
  const open = async (bytes: Uint8Array) => (await openRuntime({ api, threads: 2 })).createSession(bytes, "the test");

  test(`${api}: a bound run reads and writes the heap in place`, async () => {
    const session = await open(mixed());
    expect(session.inputs).toEqual(["x", "mask", "empty"]);
    expect(session.outputs).toEqual(["negative", "same", "masked", "inverse", "whole", "nothing"]);
    const heap = pages(1);
    const from = placed(inputs);
    const to = placed(outputs, 4096);
    const bound = session.bind(heap, from, to);
    for (const values of [
      [1.5, -2, 3, 4],
      [5, 6, -7, 8],
    ]) {
      viewOf(heap, from.x).set(values);
      viewOf(heap, from.mask).set([1, 0, 1, 0]);
      await bound.run();
      expect([...viewOf(heap, to.negative)]).toEqual(values.map((v) => -v));
      expect([...viewOf(heap, to.same)]).toEqual(values);
      expect([...viewOf(heap, to.masked)]).toEqual([values[0], 7, values[2], 7]);
      expect([...viewOf(heap, to.inverse)]).toEqual([0, 1, 0, 1]);
      expect([...viewOf(heap, to.whole)]).toEqual(values.map(Math.trunc));
    }
    bound.release();
    session.release();
  });

  test(`${api}: outputs that are not bound are dropped, and one may stand on an input`, async () => {
    const session = await open(mixed());
    const heap = pages(1);
    const from = placed(inputs);
    const bound = session.bind(heap, from, { negative: from.x });
    viewOf(heap, from.x).set([1, 2, 3, 4]);
    await bound.run();
    await bound.run();
    await bound.run();
    expect([...viewOf(heap, from.x)]).toEqual([-1, -2, -3, -4]);
    expect(new Uint8Array(heap.buffer, 1024).every((byte) => byte === 0)).toBe(true);
    bound.release();
    session.release();
  });

  test(`${api}: a heap that grew or moved is found again`, async () => {
    const session = await open(mixed());
    const grown = pages(1);
    const heap: { buffer: ArrayBuffer } = { buffer: grown.buffer };
    const from = placed(inputs);
    const to = placed(outputs, 4096);
    const bound = session.bind(heap, from, to);
    const change = async (buffer: ArrayBuffer, value: number) => {
      heap.buffer = buffer;
      viewOf(heap, from.x).fill(value);
      await bound.run();
      expect([...viewOf(heap, to.negative)]).toEqual([-value, -value, -value, -value]);
    };
    await change(grown.buffer, 1);
    grown.grow(100);
    await change(grown.buffer, 2);
    await change(new ArrayBuffer(1 << 16), 3);
    await change(grown.buffer, 4);
    bound.release();
    session.release();
  });

  test(`${api}: a run on copies gives every output with its shape and type`, async () => {
    const session = await open(mixed());
    const x = { dtype: "float32", shape: [4], data: Float32Array.of(1.5, -2, 3, 4) } as const;
    const mask = { dtype: "bool", shape: [4], data: Uint8Array.of(1, 0, 1, 0) } as const;
    const empty = { dtype: "float32", shape: [0, 3], data: new Float32Array(0) } as const;
    expect(await session.run({ x, mask, empty })).toEqual({
      negative: { dtype: "float32", shape: [4], data: Float32Array.of(-1.5, 2, -3, -4) },
      same: x,
      masked: { dtype: "float32", shape: [4], data: Float32Array.of(1.5, 7, 3, 7) },
      inverse: { dtype: "bool", shape: [4], data: Uint8Array.of(0, 1, 0, 1) },
      whole: { dtype: "int32", shape: [4], data: Int32Array.of(1, -2, 3, 4) },
      nothing: empty,
    });
    session.release();
  });
}

test("both interfaces give the same bits, bound and on copies", async () => {
  const [batch, width] = [48, 200];
  const feeds = { x: normals("x", [batch, width]), w: normals("w", [width, width]) };
  const results: Float32Array[] = [];
  for (const api of apis) {
    const session = await (await openRuntime({ api, threads: 2 })).createSession(
      gradient(batch, width),
      "the gradient",
    );
    const heap = pages(16);
    const from = placed({ x: { shape: [batch, width] }, w: { shape: [width, width] } });
    const to = placed({ loss: { shape: [] }, dw: { shape: [width, width] } }, 512 << 10);
    for (const name of ["x", "w"] as const) viewOf(heap, from[name]).set(feeds[name].data);
    const bound = session.bind(heap, from, to);
    await bound.run();
    const copies = await session.run(feeds);
    results.push(
      (viewOf(heap, to.dw) as Float32Array).slice(),
      (viewOf(heap, to.loss) as Float32Array).slice(),
      copies["dw"]!.data as Float32Array,
      copies["loss"]!.data as Float32Array,
    );
    bound.release();
    session.release();
  }
  const [dw, loss, ...others] = results.map(bits);
  expect(loss![0]).not.toBe(0);
  expect(dw!.filter((value) => value === 0).length).toBeLessThan(dw!.length / 100);
  for (const [i, other] of others.entries()) expect(other).toEqual(i % 2 === 0 ? dw : loss);
});

test("c: the event loop stays alive during a run", async () => {
  const session = await (await openRuntime({ api: "c", threads: 1 })).createSession(
    gradient(512, 1024),
    "the gradient",
  );
  const heap = pages(200);
  const from = placed({ x: { shape: [512, 1024] }, w: { shape: [1024, 1024] } });
  const bound = session.bind(heap, from, placed({ dw: { shape: [1024, 1024] } }, 8 << 20));
  let turns = 0;
  let done = false;
  const turn = () => {
    turns++;
    if (!done) setImmediate(turn);
  };
  setImmediate(turn);
  await bound.run();
  done = true;
  // Two gigaflop take ten milliseconds at the least; a turn takes microseconds.
  expect(turns).toBeGreaterThan(20);
  bound.release();
  session.release();
});

test("c: what is released during a run is freed after it, and cannot be used again", async () => {
  const session = await (await openRuntime({ api: "c" })).createSession(gradient(64, 256), "the gradient");
  const heap = pages(16);
  const from = placed({ x: { shape: [64, 256] }, w: { shape: [256, 256] } });
  const to = placed({ dw: { shape: [256, 256] } }, 512 << 10);
  viewOf(heap, from.x).fill(0.5);
  viewOf(heap, from.w).fill(0.01);
  const bound = session.bind(heap, from, to);
  const run = bound.run();
  bound.release();
  session.release();
  await run;
  expect(viewOf(heap, to.dw).every((value) => value > 0)).toBe(true);
  const released = { code: "MF_GRAPH_RUN", message: expect.stringContaining("released") };
  await expect(bound.run()).rejects.toMatchObject(released);
  await expect(session.run({})).rejects.toMatchObject(released);
  expect(() => session.bind(heap, from, to)).toThrow(expect.objectContaining(released));
  bound.release();
  session.release();
});

test("c: five thousand runs leave nothing behind in the heap", async () => {
  const session = await (await openRuntime({ api: "c" })).createSession(mixed(), "the test");
  const bound = session.bind(pages(1), placed(inputs), placed(outputs, 4096));
  const used = async (runs: number): Promise<number> => {
    for (let i = 0; i < runs; i++) await bound.run();
    collect();
    return process.memoryUsage().heapUsed;
  };
  await used(1000);
  const before = await used(100);
  expect((await used(5000)) - before).toBeLessThan(5000 * 64);
  bound.release();
  session.release();
});
