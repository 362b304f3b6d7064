import type { Scalar, Tensor, Tensor1D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { jvp, jvpByDoubleVjp, registerJvpRule } from "../../../core/autodiff/jvp.ts";
import { valueAndGrads } from "../../../core/autodiff/value-and-grads.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { directionalDifference, spread, worstError } from "./finite-differences.ts";

beforeAll(async () => {
  await useBackend("cpu");
});

const runKernel = tf.engine().runKernel;
beforeEach(() => void tf.engine().startScope());
afterEach(() => {
  tf.engine().endScope();
  expect(tf.engine().runKernel).toBe(runKernel);
});

const number = (x: Tensor): number => x.dataSync()[0]!;
const matrix = (rows: number, columns: number, phase: number): Tensor =>
  tf.tensor2d(spread(rows * columns, -1, 1, phase), [rows, columns]);
const silu = (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(x));
const layerNorm = (x: Tensor): Tensor => {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
};

/** A residual block of the MeanFlow network: sin/cos of t, FiLM by (1 + γ)h + β, SiLU. q `[B, 7]`, t `[B, 1]`. */
function network(q: Tensor, t: Tensor): Tensor {
  const angles = tf.mul(t, tf.tensor2d([[1, 0.5, 0.25]]));
  const time = tf.concat([tf.cos(angles), tf.sin(angles)], 1);
  const [gamma, beta] = tf.split(tf.matMul(silu(tf.matMul(time, matrix(6, 8, 0.1))), matrix(8, 16, 0.2)), 2, 1);
  const h = layerNorm(tf.add(tf.matMul(q, matrix(7, 8, 0.3)), tf.tensor1d(spread(8, -1, 1))));
  const modulated = silu(tf.add(tf.mul(h, tf.add(gamma!, 1)), beta!));
  return tf.matMul(tf.add(h, modulated), matrix(8, 7, 0.5));
}

/** Position of a planar arm's tip after a 6D rotation of its frame. q `[B, 6]` → `[B, 3]`. */
function rotated(q: Tensor): Tensor {
  const [a, b] = tf.split(q, 2, 1) as [Tensor, Tensor];
  const unit = (v: Tensor) => tf.div(v, tf.norm(v, "euclidean", 1, true));
  const x = unit(a);
  const y = unit(tf.sub(b, tf.mul(tf.sum(tf.mul(x, b), 1, true), x)));
  const shifted = (v: Tensor, by: number) =>
    tf.gather(v, tf.tensor1d([by % 3, (by + 1) % 3, (by + 2) % 3], "int32"), 1);
  const z = tf.sub(tf.mul(shifted(x, 1), shifted(y, 2)), tf.mul(shifted(x, 2), shifted(y, 1)));
  const rotation = tf.stack([x, y, z], 2);
  const tip = tf.matMul(rotation, tf.ones([4, 3, 1]));
  return tf.atan2(tf.squeeze(tip, [2]), tf.add(tf.abs(tf.squeeze(tf.slice(rotation, [0, 0, 0], [4, 3, 1]), [2])), 0.5));
}

describe("on whole networks", () => {
  test("an MLP with layer norm, FiLM, SiLU and a time embedding agrees with finite differences and double vjp", () => {
    const primals: [Tensor, Tensor] = [matrix(4, 7, 0), tf.tensor2d([[0.1], [0.4], [0.7], [0.9]])];
    const tangents: [Tensor, Tensor] = [matrix(4, 7, 0.6), tf.ones([4, 1])];
    const { value, tangent } = jvp(network, primals, tangents);
    expect([...value.dataSync()]).toEqual([...network(...primals).dataSync()]);
    expect(
      worstError(
        tangent.dataSync(),
        directionalDifference((q, t) => network(q!, t!), primals, tangents),
      ),
    ).toBeLessThan(1e-3);
    expect(
      worstError(tangent.dataSync(), [...jvpByDoubleVjp(network, primals, tangents).tangent.dataSync()]),
    ).toBeLessThan(1e-5);
  });

  test("6D rotations and angles agree with both", () => {
    const [q, dq] = [matrix(4, 6, 0.15), matrix(4, 6, 0.8)];
    const { tangent } = jvp(rotated, [q], [dq]);
    expect(
      worstError(
        tangent.dataSync(),
        directionalDifference((x) => rotated(x!), [q], [dq], 4e-3),
      ),
    ).toBeLessThan(2e-3);
    expect(worstError(tangent.dataSync(), [...jvpByDoubleVjp(rotated, [q], [dq]).tangent.dataSync()])).toBeLessThan(
      1e-4,
    );
  });

  test("wasm gives the same as cpu", async () => {
    const run = () =>
      jvp(network, [matrix(4, 7, 0), tf.fill([4, 1], 0.3)], [matrix(4, 7, 0.6), tf.ones([4, 1])]).tangent;
    const cpu = [...run().dataSync()];
    await useBackend("wasm", { blas: false });
    try {
      expect(worstError(run().dataSync(), cpu)).toBeLessThan(1e-5);
    } finally {
      await useBackend("cpu");
    }
  });
});

test("d(x²y) at (3, 5) along (1, 2) is 2·3·5 + 2·9 = 48", () => {
  const { value, tangent } = jvp(
    (x, y) => tf.mul(tf.square(x), y),
    [tf.scalar(3), tf.scalar(5)],
    [tf.scalar(1), tf.scalar(2)],
  );
  expect([number(value), number(tangent)]).toEqual([45, 48]);
});

test("a null tangent holds its argument constant, and a function without tangents has tangent zero", () => {
  const f = (x: Tensor, y: Tensor) => tf.mul(tf.square(x), y);
  expect(number(jvp(f, [tf.scalar(3), tf.scalar(5)], [null, tf.scalar(2)]).tangent)).toBe(18);
  expect(number(jvp(f, [tf.scalar(3), tf.scalar(5)], [null, null]).tangent)).toBe(0);
  expect(number(jvpByDoubleVjp(f, [tf.scalar(3), tf.scalar(5)], [null, null]).tangent)).toBe(0);
});

test("one tensor may be given twice with two tangents", () => {
  const x = tf.scalar(3);
  // d(x·y) = y·1 + x·10
  expect(number(jvp((a, b) => tf.mul(a, b), [x, x], [tf.scalar(1), tf.scalar(10)]).tangent)).toBe(33);
});

test("an argument handed straight back keeps its tangent, and belongs to the caller", () => {
  const [x, dx] = [tf.scalar(3), tf.scalar(4)];
  const { value, tangent } = jvp((y) => y, [x], [dx]);
  tf.dispose([value, tangent]);
  expect([number(x), number(dx)]).toEqual([3, 4]);
});

test("the results outlive primals and tangents that the caller disposes", () => {
  const [x, dx] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 1])];
  const { value, tangent } = jvp((y: Tensor1D) => tf.square(y), [x], [dx]);
  tf.dispose([x, dx]);
  expect([...value.dataSync(), ...tangent.dataSync()]).toEqual([1, 4, 2, 4]);
});

test("the value of a where and an argmax that depend on the argument carry on", () => {
  // Comparisons and indices are constant almost everywhere, whatever kernel makes them.
  const f = (x: Tensor) => tf.gather(tf.mul(x, 2), tf.argMax(x));
  expect(number(jvp(f, [tf.tensor1d([1, 5, 3])], [tf.tensor1d([10, 20, 30])]).tangent)).toBe(40);
});

describe("together with reverse mode", () => {
  const energy = (x: Tensor) => tf.sum(tf.mul(silu(x), tf.softmax(tf.mul(x, tf.max(x)))));

  test("the jvp of a gradient is the Hessian times the tangent", () => {
    const [x, dx] = [tf.tensor1d([0.3, -0.6, 1.1]), tf.tensor1d([1, -2, 0.5])];
    const gradient = (y: Tensor) => tf.grad(energy)(y);
    const { tangent } = jvp(gradient, [x], [dx]);
    expect(
      worstError(
        tangent.dataSync(),
        directionalDifference((y) => gradient(y!), [x], [dx]),
      ),
    ).toBeLessThan(1e-3);
    expect(worstError(tangent.dataSync(), [...jvpByDoubleVjp(gradient, [x], [dx]).tangent.dataSync()])).toBeLessThan(
      1e-4,
    );
  });

  test("it also goes through gradients that save their output", () => {
    // customGrad with a saved output: y = exp(x), dy/dx read from the saved y.
    const exp = tf.customGrad((x: unknown, save: unknown) => {
      const value = tf.exp(x as Tensor);
      (save as tf.GradSaveFunc)([value]);
      return { value, gradFunc: (dy: Tensor, [y]: Tensor[]) => tf.mul(dy, y!) };
    });
    const gradient = (x: Tensor) => tf.grad((y: Tensor) => exp(y))(x);
    expect(number(jvp(gradient, [tf.scalar(1)], [tf.scalar(2)]).tangent)).toBeCloseTo(2 * Math.E, 5);
  });

  test("the value is on an outer tape, the tangent is a constant to it", () => {
    // value x³, tangent 3x²: with the tangent constant, d(value·tangent)/dx = 3x²·3x² = 144 at 2.
    const loss = (x: Tensor) => {
      const { value, tangent } = jvp((y) => tf.pow(y, 3), [x], [tf.scalar(1)]);
      return tf.mul(value, tangent);
    };
    expect(number(tf.grad(loss)(tf.scalar(2)))).toBeCloseTo(144, 3);
  });

  test("the double-vjp tangent stays on the tape", () => {
    const slope = (x: Tensor) => jvpByDoubleVjp((y) => tf.pow(y, 3), [x], [tf.scalar(1)]).tangent;
    expect(number(tf.grad(slope)(tf.scalar(2)))).toBeCloseTo(12, 3);
  });

  test("a state computed from the time, outside, does not leak into the partial derivative", () => {
    // q = t², f = q·t: along (0, 1) the derivative is q = 4 at t = 2, though df/dt in total is 3t² = 12.
    const along = (t: Tensor) => {
      const q = tf.square(t);
      const f = (a: Tensor, b: Tensor) => tf.mul(a, b);
      const [zero, one] = [tf.scalar(0), tf.scalar(1)];
      expect(number(jvp(f, [q, t], [zero, one]).tangent)).toBe(4);
      expect(number(jvpByDoubleVjp(f, [q, t], [zero, one]).tangent)).toBe(4);
      return q;
    };
    tf.grad(along)(tf.scalar(2));
  });

  test("a MeanFlow loss has the gradient of a regression onto its target held constant", () => {
    const [q, t, v] = [matrix(4, 7, 0), tf.fill([4, 1], 0.5), matrix(4, 7, 0.9)];
    const scaled = (w: Tensor) => (a: Tensor, b: Tensor) => tf.mul(network(a, b), w);
    const params = { w: tf.tensor1d(spread(7, 0.5, 1.5)) };
    const target = tf.sub(v, tf.mul(0.3, jvp(scaled(params.w), [q, t], [v, tf.ones([4, 1])]).tangent));
    const regression = valueAndGrads(({ w }) => tf.sum(tf.square(tf.sub(scaled(w!)(q, t), target))) as Scalar, params);
    const meanflow = valueAndGrads(({ w }) => {
      const { value, tangent } = jvp(scaled(w!), [q, t], [v, tf.ones([4, 1])]);
      return tf.sum(tf.square(tf.sub(value, tf.sub(v, tf.mul(0.3, tangent))))) as Scalar;
    }, params);
    expect(worstError(meanflow.grads["w"]!.dataSync(), [...regression.grads["w"]!.dataSync()])).toBeLessThan(1e-5);
  });
});

describe("inside another jvp", () => {
  const one = () => tf.scalar(1);
  const derivative = (f: (x: Tensor) => Tensor) => (x: Tensor) => jvp(f, [x], [one()]).tangent;

  test("the third derivative of x⁴ at 2 is 48", () => {
    expect(number(derivative(derivative(derivative((x) => tf.pow(x, 4))))(tf.scalar(2)))).toBeCloseTo(48, 3);
  });

  test("the two perturbations are not confused: d/dx (x·d/dy (x + y)) is 1", () => {
    const f = (x: Tensor) => tf.mul(x, derivative((y) => tf.add(x, y))(one()));
    expect(number(derivative(f)(one()))).toBe(1);
  });

  test("a tangent that depends on the outer argument is differentiated", () => {
    // d/dx (2y·g at y = x, g = x) = d/dx 2x² = 4x
    const f = (x: Tensor) => jvp((y) => tf.square(y), [x], [x]).tangent;
    expect(number(derivative(f)(tf.scalar(3)))).toBe(12);
  });
});

describe("errors", () => {
  test("a kernel without a rule is named", () => {
    const f = (x: Tensor) => tf.cumprod(x);
    expect(() => jvp(f, [tf.ones([3])], [tf.ones([3])])).toThrow(
      expect.objectContaining({ code: "MF_JVP_NO_RULE", detail: { kernel: "Cumprod" } }),
    );
    expect(() => jvp(f, [tf.ones([3])], [null])).not.toThrow();
  });

  test("a tangent of another shape is refused with both shapes", () => {
    expect(() => jvp((x, y) => tf.add(x, y), [tf.ones([2]), tf.ones([2, 3])], [null, tf.ones([3])])).toThrow(
      expect.objectContaining({ code: "MF_JVP_SHAPE", detail: { index: 1, primal: [2, 3], tangent: [3] } }),
    );
  });

  test("a missing tangent is refused", () => {
    const tangents = [] as unknown as [null];
    expect(() => jvp((x) => x, [tf.ones([2])], tangents)).toThrow(expect.objectContaining({ code: "MF_JVP_COUNT" }));
  });

  test("a function that throws leaves no tensor and no interception behind", () => {
    const [x, dx] = [tf.ones([3]), tf.ones([3])];
    const before = tf.memory().numTensors;
    const failing = (y: Tensor): Tensor => {
      jvp((z) => tf.square(z), [y], [dx]);
      tf.square(y);
      throw new Error("no");
    };
    expect(() => jvp(failing, [x], [dx])).toThrow("no");
    expect(tf.engine().runKernel).toBe(runKernel);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a gradient around a failed jvp still works", () => {
    const f = (x: Tensor) => {
      expect(() => jvp((y) => tf.cumprod(y), [x], [tf.ones([2])])).toThrow("Cumprod");
      return tf.sum(tf.square(x));
    };
    expect([
      ...tf
        .grad(f)(tf.tensor1d([3, 4]))
        .dataSync(),
    ]).toEqual([6, 8]);
  });
});

describe("registerJvpRule", () => {
  beforeAll(() => {
    tf.registerKernel({
      kernelName: "TestCube",
      backendName: "cpu",
      kernelFunc: ({ inputs }) => tf.pow(inputs["x"] as Tensor, 3),
    });
  });
  const cube = (x: Tensor): Tensor => tf.engine().runKernel("TestCube", { x });

  test("teaches a kernel of one's own", () => {
    registerJvpRule("TestCube", ({ inputs, tangents }) => tf.mul(tangents["x"]!, tf.mul(3, tf.square(inputs["x"]!))));
    expect(number(jvp(cube, [tf.scalar(2)], [tf.scalar(10)]).tangent)).toBe(120);
  });

  test("may hand back a tangent it was given, which is not freed", () => {
    registerJvpRule("TestCube", ({ tangents }) => tangents["x"]!);
    const dx = tf.scalar(10);
    expect(number(jvp(cube, [tf.scalar(2)], [dx]).tangent)).toBe(10);
    expect(number(dx)).toBe(10);
  });

  test("refuses a tangent that does not fit the output", () => {
    registerJvpRule("TestCube", () => tf.ones([2]));
    expect(() => jvp(cube, [tf.scalar(2)], [tf.scalar(1)])).toThrow(
      expect.objectContaining({ code: "MF_JVP_RULE_SHAPE" }),
    );
  });
});

test("two tensors more are all that a jvp leaves, in and out of tidy", () => {
  const primals: [Tensor, Tensor] = [matrix(4, 7, 0), tf.fill([4, 1], 0.5)];
  const tangents: [Tensor, Tensor] = [matrix(4, 7, 0.6), tf.ones([4, 1])];
  const before = tf.memory().numTensors;
  for (const run of [jvp, jvpByDoubleVjp]) {
    tf.dispose(run(network, primals, tangents));
    expect(tf.memory().numTensors).toBe(before);
    const kept = tf.tidy(() => run((q, t) => tf.tidy(() => network(q, t)), primals, tangents).tangent);
    expect(tf.memory().numTensors).toBe(before + 1);
    kept.dispose();
  }
  tf.grad((q: Tensor) => jvp(network, [q, primals[1]], tangents).value)(primals[0]).dispose();
  expect(tf.memory().numTensors).toBe(before);
});
