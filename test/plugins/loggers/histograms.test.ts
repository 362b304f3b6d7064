import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";
import type { Media } from "../../../core/metrics/media.ts";
import { createBench } from "../../../core/testing/index.ts";
import { histogramOf } from "../../../plugins/loggers/histograms/histogram.ts";
import { histograms } from "../../../plugins/loggers/histograms/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";
import { openGraph } from "../../core/engine/engines.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

/** The numbers are what numpy.histogram of NumPy 2.4 gives. */
describe("histogramOf counts as NumPy does", () => {
  test("values of a skew distribution", () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => (((i * 7919) % 1009) - 500) ** 3 / 1e6);
    const { edges, counts } = histogramOf(values, 16)!;
    expect(counts).toEqual([23, 24, 27, 32, 38, 47, 72, 375, 122, 60, 44, 35, 29, 26, 24, 22]);
    expect([0, 1, 8, 16].map((i) => edges[i])).toEqual([
      -125, -108.99396800994873, 3.0482559204101562, 131.0965118408203,
    ]);
  });

  test("values that lie on edges", () => {
    const tenths = Array.from({ length: 11 }, (_, i) => i * 0.1);
    const { edges, counts } = histogramOf(tenths, 10)!;
    expect(counts).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(edges).toEqual([
      0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5, 0.6000000000000001, 0.7000000000000001, 0.8, 0.9, 1,
    ]);
  });

  test("float32 values next to edges", () => {
    const values = Float32Array.from({ length: 61 }, (_, i) => (i - 30) / 10);
    expect(histogramOf(values, 60)!.counts).toEqual([
      2, 0, 2, 0, 1, 2, 0, 2, 0, 1, 1, 1, 2, 1, 0, 1, 1, 2, 1, 0, 1, 2, 0, 2, 0, 2, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 2, 0,
      2, 0, 1, 1, 2, 1, 0, 1, 1, 2, 1, 0, 2, 0, 2, 0, 1, 2, 0, 2, 0, 2,
    ]);
  });

  test("equal values", () => {
    expect(histogramOf([2, 2, 2], 4)).toEqual({
      kind: "histogram",
      edges: [1.5, 1.75, 2, 2.25, 2.5],
      counts: [0, 0, 3, 0],
    });
  });
});

test("there is no histogram of no values, nor of one that is not finite", () => {
  expect(histogramOf([], 4)).toBeNull();
  expect(histogramOf([1, Number.NaN], 4)).toBeNull();
  expect(histogramOf([1, Number.POSITIVE_INFINITY], 4)).toBeNull();
});

const heights = (media: readonly Media[]) =>
  media.map((item) => {
    if (item.kind !== "histogram") throw new Error(`a ${item.kind}`);
    return { name: item.name, step: item.step, from: item.edges[0], to: item.edges.at(-1), counts: item.counts };
  });

describe.each([
  ["eager", async () => createEagerEngine()],
  ["graph", () => openGraph()],
] as const)("on the %s engine", (_name, open) => {
  test("at (3, 4) the gradient of ‖w‖² is (6, 8), before clipping, and weights are those the step starts from", async () => {
    const plugins = [gradClip({ maxNorm: 1 }), histograms({ every: 1, bins: 2 })];
    const bench = createBench(plugins, undefined, { engine: await open() });
    await bench.step();
    await bench.dispose();
    expect(heights(bench.media)).toEqual([
      { name: "gradients/w", step: 1, from: 6, to: 8, counts: [1, 1] },
      { name: "weights/w", step: 1, from: 3, to: 4, counts: [1, 1] },
    ]);
  });

  test("they are published at every n-th step, with that step's number", async () => {
    const bench = createBench(histograms({ every: 2, gradients: false }), undefined, { engine: await open() });
    await bench.steps(5);
    await bench.dispose();
    expect(bench.media.map(({ step, name }) => `${step} ${name}`)).toEqual(["2 weights/w", "4 weights/w"]);
  });
});

test("a step that is skipped publishes none", async () => {
  const bench = createBench(histograms({ every: 1 }), undefined, { targets: [0, Number.NaN, 0] });
  await bench.steps(3);
  await bench.dispose();
  expect(new Set(bench.media.map(({ step }) => step))).toEqual(new Set([1, 3]));
});

test("the steps in between run no kernel more than a run without it", async () => {
  const kernels = async (plugins: Parameters<typeof createBench>[0], steps: number) =>
    (await createBench(plugins).recordAt({ steps, skipped: 0, batches: 0, samples: 0, epochs: 0 })).recording.kernels;
  const without = await kernels([], 0);
  expect(await kernels(histograms({ every: 500 }), 0)).toEqual(without);
  expect((await kernels(histograms({ every: 500 }), 499)).length).toBeGreaterThan(without.length);
});
