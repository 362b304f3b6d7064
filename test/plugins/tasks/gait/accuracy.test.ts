import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { createStream } from "../../../../core/random.ts";
import { compareMotions } from "../../../../plugins/tasks/gait/accuracy.ts";
import { baselines } from "../../../../plugins/tasks/gait/baselines.ts";
import type { Motions } from "../../../../plugins/tasks/gait/data/source.ts";
import { CHANNEL_NAMES, JOINTS } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { parameterSpace } from "../../../../plugins/tasks/gait/parameters/space.ts";
import { ridge } from "../../../../plugins/tasks/gait/ridge.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

const WIDTH = 101;
const balls = JOINTS.filter(({ kind }) => kind !== "revolute");

/** A pose with every joint at rest. */
function rest(): Float32Array {
  const pose = new Float32Array(WIDTH);
  for (const { offset } of balls) pose.set([1, 0, 0, 0, 1, 0], offset);
  return pose;
}

const repeated = (pose: Float32Array, times: number): Float32Array =>
  Float32Array.from({ length: times * WIDTH }, (_, i) => pose[i % WIDTH]!);

const still = (count: number): Motions => ({
  count,
  params: new Float32Array(0),
  motions: repeated(rest(), count * 60),
});

/** Compares two still motions with cycles that differ from them by `change`. */
const changedBy = (change: (pose: Float32Array) => void) => {
  const pose = rest();
  change(pose);
  return compareMotions(repeated(pose, 2 * 30), still(2));
};
const channel = (name: string): number => CHANNEL_NAMES.indexOf(name);

describe("motions compared", () => {
  test("equal ones have no error", () => {
    expect(new Set(Object.values(changedBy(() => {}).summary))).toEqual(new Set([0]));
  });

  test("a joint that is turned by 10° about any axis has that error, whatever its rows' lengths", () => {
    const [c, s] = [Math.cos(Math.PI / 18), Math.sin(Math.PI / 18)];
    for (const rows of [
      [c, -s, 0, s, c, 0],
      [1, 0, 0, 0, c, -s],
      [3 * c, 0, 3 * s, 0, 0.2, 0],
    ]) {
      const { byJoint, byMotion, summary } = changedBy((pose) => pose.set(rows, channel("Spine.row1.x")));
      const spine = JOINTS.findIndex(({ name }) => name === "Spine");
      expect(byJoint[spine]).toBeCloseTo(10, 4);
      expect(summary["joint_error_deg"]).toBeCloseTo(10 / 23, 5);
      expect(summary["joint_error_deg_lower_body"]).toBe(0);
      expect([...byMotion]).toEqual([expect.closeTo(10 / 23, 5), expect.closeTo(10 / 23, 5)]);
    }
  });

  test("an angle counts as it is, among ten joints of the lower body", () => {
    const { summary } = changedBy((pose) => {
      pose[channel("TibiaL.angle")] = -0.1;
    });
    expect(summary["joint_error_deg_lower_body"]).toBeCloseTo((0.1 * 180) / Math.PI / 10, 5);
    expect(summary["joint_error_deg"]).toBeCloseTo((0.1 * 180) / Math.PI / 23, 5);
  });

  test.each([
    ["Pelvis.row1.x", 5],
    ["Pelvis.height", 5 * 4],
    ["Neck.row2.z", 5],
    ["Head.row1.x", 5 / 4],
    ["HandL.row2.z", 5 / 4],
  ])("the weighted loss of a difference of 0.5 in %s", (name, factor) => {
    const { summary } = changedBy((pose) => {
      pose[channel(name)]! += 0.5;
    });
    expect(summary["weighted_loss"]).toBeCloseTo((factor * 0.25) / WIDTH, 7);
    expect(summary["rmse"]).toBeCloseTo(Math.sqrt(0.25 / WIDTH), 6);
  });

  test("speed and height are in m/s and mm", () => {
    const { summary } = changedBy((pose) => {
      pose[channel("Pelvis.dz")] = -0.01;
      pose[channel("Pelvis.height")] = 0.02;
    });
    expect(summary["forward_speed_error_m_per_s"]).toBeCloseTo(0.3, 6);
    expect(summary["height_error_mm"]).toBeCloseTo(20, 4);
  });

  test("a speed that is too high in one half of the cycle and too low in the other is no error of speed", () => {
    const cycles = repeated(rest(), 30);
    for (let i = 0; i < 30; i++) cycles[i * WIDTH + channel("Pelvis.dz")] = i < 15 ? 0.01 : -0.01;
    expect(compareMotions(cycles, still(1)).summary["forward_speed_error_m_per_s"]).toBeCloseTo(0, 9);
  });
});

test("ridge regression satisfies its normal equations, and recovers weights that the data tell", () => {
  const random = createStream(0, "t");
  const [n, d, m] = [40, 5, 3];
  const x = tf.tensor2d(random.normals(n * d), [n, d]);
  const truth = tf.tensor2d(random.normals(d * m), [d, m]);
  const y = tf.matMul(x, truth);
  const close = (values: ArrayLike<number>): unknown[] => Array.from(values, (v) => expect.closeTo(v, 4));
  expect(Array.from(ridge(x, y as tf.Tensor2D, 1e-9).dataSync())).toEqual(close(truth.dataSync()));

  const weights = ridge(x, y as tf.Tensor2D, 7);
  const gradient = tf.add(tf.matMul(x, tf.sub(tf.matMul(x, weights), y) as tf.Tensor2D, true), tf.mul(weights, 7));
  expect(Array.from(gradient.dataSync())).toEqual(close(new Float32Array(d * m)));
});

describe("baselines", () => {
  const parameter = { group: "gait", min: 0, max: 2, default: 1, known: true };
  const space = parameterSpace(
    ["a", "b"].map((name) => ({ at: "test", parameter: { name, ...parameter } })),
    "test",
  );
  /** Motions whose channel k at phase sample i is 1 + 0.1·k·a − 0.02·i·b. */
  const motionsOf = (count: number, stream: string): Motions => {
    const params = createStream(0, stream).uniforms(2 * count, 0, 2);
    const motions = Float32Array.from({ length: count * 60 * WIDTH }, (_, at) => {
      const row = Math.floor(at / (60 * WIDTH));
      const sample = Math.floor(at / WIDTH) % 30;
      return 1 + 0.1 * (at % WIDTH) * params[2 * row]! - 0.02 * sample * params[2 * row + 1]!;
    });
    return { count, params, motions };
  };

  test("what is linear in the parameters is predicted by the linear one, and not by the mean", () => {
    const [seen, asked] = [motionsOf(400, "seen"), motionsOf(20, "asked")];
    const rmse = (name: string): number => compareMotions(baselines[name]!(space, seen, asked), asked).summary["rmse"]!;
    expect(rmse("linear")).toBeLessThan(0.2);
    expect(rmse("mean_cycle")).toBeGreaterThan(1);
  });

  test("the mean is that of each phase, over motions and both cycles", () => {
    const seen: Motions = { count: 1, params: Float32Array.of(1, 1), motions: new Float32Array(60 * WIDTH) };
    seen.motions[7 * WIDTH + 3] = 1;
    seen.motions[37 * WIDTH + 3] = 2;
    const cycle = baselines["mean_cycle"]!(space, seen, seen);
    expect(cycle[7 * WIDTH + 3]).toBe(1.5);
    expect(cycle.reduce((sum, v) => sum + v, 0)).toBe(1.5);
  });
});
