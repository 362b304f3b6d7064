import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";
import { createStream } from "../../../core/random.ts";
import type { Batch } from "../../../core/state.ts";
import { totalDerivative } from "../../../plugins/objectives/flow/derivative.ts";
import { straightPath } from "../../../plugins/objectives/flow/path.ts";
import { squaredNorm, weightedResidual } from "../../../plugins/objectives/flow/residual.ts";
import { distinctRows, sampleTimes } from "../../../plugins/objectives/flow/times.ts";
import { meanFlowTarget } from "../../../plugins/objectives/meanflow/meanflow.ts";

beforeAll(() => useBackend("cpu"));

// Data N(0.7, 0.3²), source N(0, 1), independent, straight paths. In the paper's time (source at 1) the flow is known in
// closed form; the table's rows are z, r, t, v, u. Forward time is a = 1 − t, b = 1 − r, with v and u negated.
const mu = 0.7;
const s = 0.3;
const table = [
  { z: 0.5, r: 0, t: 1, v: -0.2, u: -0.35 },
  { z: -1.2, r: 0, t: 1, v: -1.9, u: -1.54 },
  { z: 0.3, r: 0.2, t: 0.7, v: -0.578397912, u: -0.599678132 },
  { z: 1.1, r: 0.5, t: 0.9, v: 0.431742508, u: 0.382285208 },
];

/** The exact average velocity in forward time: start `r`, end `t`, `[B, 1]` each. */
const exact = ({ z, r, t }: Batch): tf.Tensor =>
  tf.tidy(() => {
    const mean = (at: tf.Tensor): tf.Tensor => tf.mul(at, mu);
    const deviation = (at: tf.Tensor): tf.Tensor =>
      tf.sqrt(tf.add(tf.mul(tf.square(at), s * s), tf.square(tf.sub(1, at))));
    const arrived = tf.add(mean(t!), tf.mul(tf.div(deviation(t!), deviation(r!)), tf.sub(z!, mean(r!))));
    return tf.div(tf.sub(arrived, z!), tf.sub(t!, r!));
  });

const forward = (): Record<"z" | "r" | "t" | "v", tf.Tensor> => ({
  z: tf.tensor2d(table.map((row) => [row.z])),
  r: tf.tensor2d(table.map((row) => [1 - row.t])),
  t: tf.tensor2d(table.map((row) => [1 - row.r])),
  v: tf.tensor2d(table.map((row) => [-row.v])),
});

describe("the MeanFlow identity", () => {
  test("the exact average velocity has the table's values in forward time", () => {
    const u = Array.from(exact(forward()).dataSync());
    for (const [i, row] of table.entries()) expect(u[i]).toBeCloseTo(-row.u, 5);
  });

  test("the target made from the exact average velocity and the marginal velocity is that average velocity", () => {
    const target = Array.from(meanFlowTarget(exact, forward(), table.length).dataSync());
    for (const [i, row] of table.entries()) expect(target[i]).toBeCloseTo(-row.u, 4);
  });

  test("du/dr is not zero, as a stationary u would have it", () => {
    // In the paper's time du/dt = 0.0425604 at the third row; both signs flip, so the derivative stays.
    const batch = forward();
    const along = Array.from(totalDerivative(exact, batch, batch.v).dataSync());
    expect(along[2]).toBeCloseTo(0.0425604, 4);
  });

  test("a wrong tangent or sign misses the target visibly", () => {
    const batch = forward();
    const along = (tangent: tf.Tensor) => totalDerivative(exact, batch, tangent);
    const miss = (derivative: tf.Tensor, sign: 1 | -1): number => {
      const target = tf.add(batch.v, tf.mul(tf.mul(tf.sub(batch.t, batch.r), derivative), sign));
      return tf.max(tf.abs(tf.sub(target, exact(batch)))).dataSync()[0]!;
    };
    expect(miss(along(batch.v), 1)).toBeLessThan(1e-4);
    expect(miss(along(tf.zerosLike(batch.v)), 1)).toBeGreaterThan(0.05);
    expect(miss(along(tf.neg(batch.v)), 1)).toBeGreaterThan(0.05);
    expect(miss(along(batch.v), -1)).toBeGreaterThan(0.05);
  });

  test("only the first rows are differentiated; the others regress to the velocity", () => {
    const batch = forward();
    const target = Array.from(meanFlowTarget(exact, batch, 2).dataSync());
    const v = Array.from(batch.v.dataSync());
    expect(target.slice(2)).toEqual(v.slice(2));
    expect(target[0]).toBeCloseTo(0.35, 5);
    expect(Array.from(meanFlowTarget(exact, batch, 0).dataSync())).toEqual(v);
  });
});

describe("times", () => {
  const random = () => {
    const stream = createStream(0, "times");
    return {
      normal: (shape: readonly number[]) => tf.tensor(stream.normals(shape.reduce((a, b) => a * b, 1)), [...shape]),
      uniform: (shape: readonly number[]) => tf.tensor(stream.uniforms(shape.reduce((a, b) => a * b, 1)), [...shape]),
    };
  };

  test("a quarter of the rows has r < t, the others r = t", () => {
    expect(distinctRows(4096, 0.25)).toBe(1024);
    const { r, t } = sampleTimes(random(), 4096, 1024, { mean: 0.4, deviation: 1 });
    const length = Array.from(tf.sub(t, r).dataSync());
    expect(length.slice(0, 1024).every((d) => d > 0)).toBe(true);
    expect(length.slice(1024).every((d) => d === 0)).toBe(true);
  });

  test("logit-normal times have the moments of the paper's, mirrored", () => {
    const { r, t } = sampleTimes(random(), 20_000, 20_000, { mean: 0.4, deviation: 1 });
    const mean = (x: tf.Tensor) => tf.mean(x).dataSync()[0]!;
    // Paper, N(−0.4, 1): E[max] = 0.535, E[min] = 0.301. Forward: E[min] = 1 − 0.535, E[max] = 1 − 0.301.
    expect(mean(r)).toBeCloseTo(0.465, 2);
    expect(mean(t)).toBeCloseTo(0.699, 2);
  });
});

describe("the path and the weights", () => {
  test("the path runs straight from the source at 0 to the solution at 1", () => {
    const batch = { source: tf.tensor2d([[1, 2]]), solution: tf.tensor2d([[3, 6]]) };
    const { z, v } = straightPath(batch, tf.tensor2d([[0.25]]));
    expect(Array.from(z.dataSync())).toEqual([1.5, 3]);
    expect(Array.from(v.dataSync())).toEqual([2, 4]);
  });

  test("a displacement given with the batch goes before the difference", () => {
    const batch = { source: tf.tensor2d([[3]]), solution: tf.tensor2d([[-3]]), displacement: tf.tensor2d([[0.28]]) };
    const { z, v } = straightPath(batch, tf.tensor2d([[0.5]]));
    expect(v.dataSync()[0]).toBeCloseTo(0.28, 6);
    expect(z.dataSync()[0]).toBeCloseTo(3.14, 6);
  });

  test("adaptive weights have the known values", () => {
    const loss = (delta: number, p: number, c: number): number =>
      weightedResidual(tf.tensor1d([delta]), tf.tensor1d([0]), { kind: "residual", p, c }).dataSync()[0]!;
    expect(loss(0.01, 1, 0.01)).toBeCloseTo(0.5, 6);
    expect(loss(4, 1, 0.01)).toBeCloseTo(0.997506, 6);
    expect(loss(0.01, 0.5, 1e-3)).toBeCloseTo(0.0953463, 6);
    expect(loss(4, 0.5, 1e-3)).toBeCloseTo(1.99975, 5);
  });

  test("weights are constants: the gradient of w·δ is w", () => {
    const gradient = tf.grad((delta) => weightedResidual(delta, delta, { kind: "residual", p: 1, c: 0.01 }));
    expect(gradient(tf.tensor1d([0.01])).dataSync()[0]).toBeCloseTo(50, 3);
  });

  test("the residual is summed over joints, the distance form weighs by the distance", () => {
    expect(Array.from(squaredNorm(tf.tensor2d([[3, 4]])).dataSync())).toEqual([25]);
    const weighted = weightedResidual(tf.tensor1d([2]), tf.tensor1d([0.25]), { kind: "distance", p: 0.5, c: 1e-12 });
    expect(weighted.dataSync()[0]).toBeCloseTo(4, 5);
  });
});
