import * as tf from "@tensorflow/tfjs-core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import type { DType, Node, Shape, Values } from "../../../../core/graph/node.ts";

/** A named input's values. */
export interface Feed {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: Values;
}

export const floats = (shape: Shape, values: ArrayLike<number>): Feed => ({
  shape,
  dtype: "float32",
  values: Float32Array.from(values),
});
export const ints = (shape: Shape, values: ArrayLike<number>): Feed => ({
  shape,
  dtype: "int32",
  values: Int32Array.from(values),
});
export const bools = (shape: Shape, values: ArrayLike<number>): Feed => ({
  shape,
  dtype: "bool",
  values: Uint8Array.from(values),
});

/** Distinct values in (−2, 2), the same on every machine. */
export const wave = (shape: Shape, phase = 0): Feed =>
  floats(
    shape,
    Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => 2 * Math.sin(12.9898 * (i + 1) + phase)),
  );

/** Runs a model once, on one thread. */
export async function runOnnx(bytes: Uint8Array, feeds: Readonly<Record<string, Feed>>): Promise<Record<string, Feed>> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const given = session.inputNames.map((name) => {
    const { dtype, values, shape } = feeds[name]!;
    return [name, new Tensor(dtype, values as Float32Array, [...shape])] as const;
  });
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, dims, data }]) => [
      name,
      { dtype: type as DType, shape: dims, values: data as Values },
    ]),
  );
}

/** A value of tfjs, as a feed. */
export function evaluated(compute: () => tf.Tensor): Feed {
  const result = tf.tidy(compute);
  const feed: Feed = { shape: result.shape, dtype: result.dtype as DType, values: result.dataSync().slice() as Values };
  result.dispose();
  return feed;
}

export const asTensor = ({ values, shape, dtype }: Feed): tf.Tensor => tf.tensor(values, [...shape], dtype);

/** Shapes and types equal, max |x − y| ≤ tolerance · max |y|; NaN and infinities at the same places. */
export function expectClose(actual: Feed, expected: Feed, tolerance = 1e-6): void {
  expect(actual.shape).toEqual([...expected.shape]);
  expect(actual.dtype).toBe(expected.dtype);
  const finite = [...expected.values].filter(Number.isFinite);
  const scale = finite.reduce((max, v) => Math.max(max, Math.abs(v)), 0) || 1;
  const wrong = [...expected.values].flatMap((y, i) => {
    const x = actual.values[i]!;
    const same = Number.isFinite(y) ? Math.abs(x - y) <= tolerance * scale : Object.is(x, y);
    return same ? [] : [{ i, actual: x, expected: y }];
  });
  expect(wrong).toEqual([]);
}

/** The inputs of a graph from its feeds. */
export const inputsOf = (
  builder: { input(name: string, shape: Shape, dtype?: DType): Node },
  feeds: Readonly<Record<string, Feed>>,
): Node[] => Object.entries(feeds).map(([name, { shape, dtype }]) => builder.input(name, shape, dtype));
