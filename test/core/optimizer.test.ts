import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { adam, adamW } from "../../core/optimizer/adam.ts";
import type { Optimizer } from "../../core/optimizer/optimizer.ts";
import { sgd } from "../../core/optimizer/sgd.ts";
import { createBench, useBackend } from "../../core/testing/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

const steps = 20;
const start = [3, -4, 0.5, 1e-3];

/** The toy task's parameters after twenty steps; the gradient of ‖w‖² is 2w. `shape` says whether they are a matrix. */
async function trained(optimizer: Optimizer, shape: [number] | [number, number] = [4]): Promise<number[]> {
  const w = tf.tensor(start, shape);
  const bench = createBench([], { w }, { optimizer });
  w.dispose();
  await bench.steps(steps);
  return Array.from(bench.state.params["w"]!.dataSync());
}

/** The same in float64, one weight at a time, by the formula of the paper; `update` keeps its moments itself. */
const byFormula = (formula: () => (w: number, gradient: number, t: number) => number): number[] =>
  start.map((w) => {
    const update = formula();
    let now = w;
    for (let t = 1; t <= steps; t++) now = update(now, 2 * now, t);
    return now;
  });

function expectEqual(got: readonly number[], wanted: readonly number[]): void {
  for (const [i, w] of wanted.entries()) {
    expect(Math.abs(got[i]! - w), `weight ${i}: ${got[i]} against ${w}`).toBeLessThan(1e-6 * Math.max(1, Math.abs(w)));
  }
}

test("sgd: θ ← θ − lr·g", async () => {
  expectEqual(
    await trained(sgd({ lr: 0.05 })),
    byFormula(() => (w, g) => w - 0.05 * g),
  );
});

test("sgd with momentum: m ← μm + g, θ ← θ − lr·m", async () => {
  const formula = () => {
    let m = 0;
    return (w: number, g: number) => {
      m = 0.9 * m + g;
      return w - 0.01 * m;
    };
  };
  expectEqual(await trained(sgd({ lr: 0.01, momentum: 0.9 })), byFormula(formula));
});

test("sgd with Nesterov's momentum looks one step of momentum ahead", async () => {
  const formula = () => {
    let m = 0;
    return (w: number, g: number) => {
      m = 0.9 * m + g;
      return w - 0.01 * (g + 0.9 * m);
    };
  };
  expectEqual(await trained(sgd({ lr: 0.01, momentum: 0.9, nesterov: true })), byFormula(formula));
});

const adamFormula =
  (lr: number, b1: number, b2: number, epsilon: number, decay = 0) =>
  () => {
    let m = 0;
    let v = 0;
    return (w: number, g: number, t: number) => {
      m = b1 * m + (1 - b1) * g;
      v = b2 * v + (1 - b2) * g * g;
      const step = m / (1 - b1 ** t) / (Math.sqrt(v / (1 - b2 ** t)) + epsilon);
      return w * (1 - lr * decay) - lr * step;
    };
  };

test("adam, by the paper's formula", async () => {
  expectEqual(await trained(adam({ lr: 0.05 })), byFormula(adamFormula(0.05, 0.9, 0.999, 1e-8)));
});

test("adam's ε is added to the corrected root, also when it is large", async () => {
  const options = { lr: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 0.5 };
  expectEqual(await trained(adam(options)), byFormula(adamFormula(0.05, 0.8, 0.95, 0.5)));
});

test("adamw takes lr·λ·θ off matrices", async () => {
  const options = { lr: 0.05, beta1: 0.9, beta2: 0.95, weightDecay: 0.3 };
  expectEqual(await trained(adamW(options), [2, 2]), byFormula(adamFormula(0.05, 0.9, 0.95, 1e-8, 0.3)));
});

test("adamw leaves biases and gains, which have one dimension, undecayed", async () => {
  const options = { lr: 0.05, beta1: 0.9, beta2: 0.95, weightDecay: 0.3 };
  expectEqual(await trained(adamW(options)), byFormula(adamFormula(0.05, 0.9, 0.95, 1e-8)));
});

test("options are checked where they are written", () => {
  expect(() => adam({ lr: -1 })).toThrow('adam: option "lr" is wrong');
  expect(() => sgd({ momentum: 1 })).toThrow('sgd: option "momentum" is wrong');
  expect(() => adamW({ weightDecya: 0.1 } as never)).toThrow('did you mean "weightDecay"?');
});

test("with() changes some options and checks them again", () => {
  const changed = adamW({ lr: 0.1, weightDecay: 0.5 }).with({ lr: 0.2 });
  expect(changed.options).toMatchObject({ lr: 0.2, weightDecay: 0.5 });
  expect(() => changed.with({ lr: 0 })).toThrow("MF_OPTION");
});
