import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { gradClip } from "../../../plugins/training/grad-clip/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

const closeTo = (values: number[]) => values.map((v) => expect.closeTo(v, 5));
const weightsAfterStep = async (options: Parameters<typeof gradClip>[0]): Promise<number[]> => {
  const bench = createBench(gradClip(options));
  await bench.step();
  return Array.from(bench.state.params["w"]!.dataSync());
};

test("a gradient longer than maxNorm is shortened to it; the norm before is reported", async () => {
  const bench = createBench(gradClip({ maxNorm: 1 }));
  // ∇‖w‖² at (3, 4) is (6, 8), of length 10.
  expect((await bench.step())["grad_norm"]).toBeCloseTo(10, 5);
  expect(Array.from(bench.state.params["w"]!.dataSync())).toEqual(closeTo([2.94, 3.92]));
});

test("a gradient shorter than maxNorm is left alone", async () => {
  expect(await weightsAfterStep({ maxNorm: 11 })).toEqual(closeTo([2.4, 3.2]));
});

test("the norm is that of all parameters together", async () => {
  const start = { a: tf.tensor1d([3]), b: tf.tensor2d([[4]]) };
  const bench = createBench(gradClip({ maxNorm: 1 }), start);
  expect((await bench.step())["grad_norm"]).toBeCloseTo(10, 5);
  expect(bench.state.params["a"]!.dataSync()[0]).toBeCloseTo(2.94, 5);
  expect(bench.state.params["b"]!.dataSync()[0]).toBeCloseTo(3.92, 5);
});

test("a zero gradient stays zero", async () => {
  const bench = createBench(gradClip({ maxNorm: 1 }), { w: tf.zeros([2]) });
  expect((await bench.step())["grad_norm"]).toBe(0);
  expect(Array.from(bench.state.params["w"]!.dataSync())).toEqual([0, 0]);
});

test("maxValue bounds each entry, of either sign", async () => {
  const bench = createBench(gradClip({ maxNorm: null, maxValue: 7 }), { w: tf.tensor1d([3, -4]) });
  await bench.step();
  expect(Array.from(bench.state.params["w"]!.dataSync())).toEqual(closeTo([2.4, -3.3]));
});

test("with both, entries are bounded first and the norm of what is left after", async () => {
  // (6, 8) → (6, 6), of length 6√2 → (1, 1)/√2
  const [x, y] = await weightsAfterStep({ maxNorm: 1, maxValue: 6 });
  expect([x, y]).toEqual(closeTo([3 - 0.1 / Math.SQRT2, 4 - 0.1 / Math.SQRT2]));
});

test("options are checked where they are written", () => {
  expect(() => gradClip({ maxNorm: -1 })).toThrow('grad-clip: option "maxNorm" is wrong');
  expect(() => gradClip({ maxNrom: 1 } as never)).toThrow('did you mean "maxNorm"?');
});
