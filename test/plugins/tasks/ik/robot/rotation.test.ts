import { describe, expect, test } from "vitest";
import { createStream } from "../../../../../core/random.ts";
import {
  canonical,
  conjugate,
  matrixFromQuaternion,
  matrixFromRpy,
  multiply,
  normalize,
  orientationErrorRad,
  type Quaternion,
  quaternionFromMatrix,
  quaternionFromVector,
  rotationVector,
} from "../../../../../plugins/tasks/ik/robot/rotation.ts";

const close = (values: readonly number[], digits = 12) => values.map((value) => expect.closeTo(value, digits));
const randomQuaternions = (count: number): Quaternion[] => {
  const random = createStream(0, "test/rotation");
  return Array.from({ length: count }, () =>
    normalize([random.normal(), random.normal(), random.normal(), random.normal()]),
  );
};

describe("canonical", () => {
  test("takes the one of q and −q with positive w", () => {
    expect(canonical([-0.5, 0.5, -0.5, 0.5])).toEqual([0.5, -0.5, 0.5, -0.5]);
    expect(canonical([0.5, 0.5, -0.5, 0.5])).toEqual([0.5, 0.5, -0.5, 0.5]);
  });

  test("lets the first component that is not noise decide at a half turn", () => {
    expect(canonical([0, -1, 0, 0])).toEqual([0, 1, 0, 0]);
    expect(canonical([0, 0, -0.6, 0.8])).toEqual([0, 0, 0.6, -0.8]);
    expect(canonical([-1e-17, 0.6, -0.8, 0])).toEqual([-1e-17, 0.6, -0.8, 0]);
    expect(canonical([1e-17, -1e-16, 0, -1])).toEqual([-1e-17, 1e-16, 0, 1]);
  });

  test("is what a rotation matrix gives, from either sign", () => {
    for (const q of [...randomQuaternions(200), [0, 0, 0.6, -0.8], [0, 1, 0, 0], [1, 0, 0, 0]] as Quaternion[]) {
      const minus: Quaternion = [-q[0], -q[1], -q[2], -q[3]];
      expect(quaternionFromMatrix(matrixFromQuaternion(q))).toEqual(close(canonical(q)));
      expect(quaternionFromMatrix(matrixFromQuaternion(minus))).toEqual(close(canonical(q)));
    }
  });
});

describe("conversions", () => {
  test("roll, pitch and yaw turn about fixed axes, in this order", () => {
    // Roll takes y to z; yaw leaves z.
    expect(matrixFromRpy([Math.PI / 2, 0, Math.PI / 2])).toEqual(close([0, 0, 1, 1, 0, 0, 0, 1, 0]));
  });

  test("a rotation vector and back is the same rotation, for small, large and zero angles", () => {
    for (const vector of [
      [0, 0, 0],
      [1e-9, 0, 0],
      [0.3, -0.2, 0.1],
      [0, 3.1, 0],
    ] as const) {
      expect(rotationVector(quaternionFromVector(vector))).toEqual(close(vector));
    }
  });

  test("a rotation vector goes the shorter way round", () => {
    expect(rotationVector(quaternionFromVector([0, 0, 1.5 * Math.PI]))).toEqual(close([0, 0, -0.5 * Math.PI]));
  });

  test("a product of quaternions turns as the product of their matrices", () => {
    const [a, b] = randomQuaternions(2) as [Quaternion, Quaternion];
    const [m, n] = [matrixFromQuaternion(a), matrixFromQuaternion(b)];
    const product = m.map((_, i) => {
      const [row, column] = [i - (i % 3), i % 3];
      return m[row]! * n[column]! + m[row + 1]! * n[column + 3]! + m[row + 2]! * n[column + 6]!;
    });
    expect(matrixFromQuaternion(multiply(a, b))).toEqual(close(product));
    expect(multiply(a, conjugate(a))).toEqual(close([1, 0, 0, 0]));
  });
});

describe("orientationErrorRad", () => {
  test("is the angle between, whatever the signs", () => {
    const a = quaternionFromVector([0, 0, 0.2]);
    const b = quaternionFromVector([0, 0, 1.2]);
    expect(orientationErrorRad(a, b)).toBeCloseTo(1, 14);
    expect(orientationErrorRad(a, [-b[0], -b[1], -b[2], -b[3]])).toBeCloseTo(1, 14);
    expect(orientationErrorRad([1, 0, 0, 0], [0, 1, 0, 0])).toBeCloseTo(Math.PI, 14);
  });

  test("keeps its precision near zero, where the arc cosine has none", () => {
    const q = normalize([0.3, -0.5, 0.7, 0.1]);
    const turned = multiply(quaternionFromVector([0, 1e-9, 0]), q);
    expect(orientationErrorRad(q, turned) / 1e-9).toBeCloseTo(1, 5);
    expect(2 * Math.acos(Math.min(1, Math.abs(q.reduce((sum, x, i) => sum + x * turned[i]!, 0))))).not.toBeCloseTo(
      1e-9,
      10,
    );
  });
});
