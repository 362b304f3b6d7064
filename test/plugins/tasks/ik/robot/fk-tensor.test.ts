import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { jvp } from "../../../../../core/autodiff/jvp.ts";
import { useBackend } from "../../../../../core/engine/backend.ts";
import { createStream } from "../../../../../core/random.ts";
import type { Chain } from "../../../../../plugins/tasks/ik/robot/chain.ts";
import { forwardKinematicsTensor, tipErrorTensor } from "../../../../../plugins/tasks/ik/robot/fk-tensor.ts";
import { forwardKinematicsBatch, poseAt } from "../../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../../plugins/tasks/ik/robot/load.ts";
import {
  conjugate,
  matrixFromQuaternion,
  multiply,
  rotationVector,
} from "../../../../../plugins/tasks/ik/robot/rotation.ts";
import { sampleConfigurations, sampleServoPairs } from "../../../../../plugins/tasks/ik/robot/sampling.ts";
import { chainOf } from "./robots.ts";

beforeAll(async () => {
  await useBackend("wasm");
});

const ROWS = 32;
const tensorOf = (values: ArrayLike<number>, width: number) =>
  tf.tensor2d(Float32Array.from(values), [values.length / width, width]);

const chains: [name: string, chain: Chain][] = [
  ["panda (7 joints)", loadRobot("panda").chain],
  ["ur10 (6 joints)", loadRobot("ur10").chain],
  ["1 joint", chainOf(["revolute"])],
  ["2 joints, one a slide", chainOf(["prismatic", "continuous"])],
  ["4 joints, one a slide", chainOf(["revolute", "continuous", "prismatic", "revolute"])],
  ["11 joints, one a slide", chainOf(Array.from({ length: 11 }, (_, i) => (i === 7 ? "prismatic" : "revolute")))],
];

describe.each(chains)("tensor kinematics of %s", (_, chain) => {
  const dof = chain.joints.length;
  const random = createStream(0, "test/fk-tensor");
  const { solutions, sources } = sampleServoPairs(chain, random, ROWS, 0.1);
  const q = sources.map(Math.fround);
  const reached = forwardKinematicsBatch(chain, q);
  const targets = forwardKinematicsBatch(chain, solutions);

  test("put the tip where the host's float64 does, to 10 µm", () => {
    const { position, rotation } = forwardKinematicsTensor(chain, tensorOf(q, dof));
    expect([position.shape, rotation.shape]).toEqual([
      [ROWS, 3],
      [ROWS, 9],
    ]);
    const [p, r] = [position.dataSync(), rotation.dataSync()];
    for (let row = 0; row < ROWS; row++) {
      const pose = poseAt(reached, row);
      pose.position.forEach((value, i) => {
        expect(Math.abs(p[row * 3 + i]! - value)).toBeLessThan(1e-5);
      });
      matrixFromQuaternion(pose.quaternion).forEach((value, i) => {
        expect(Math.abs(r[row * 9 + i]! - value)).toBeLessThan(1e-5);
      });
    }
  });

  const errorOf = (x: tf.Tensor): tf.Tensor2D =>
    tipErrorTensor(chain, x, tf.concat([tensorOf(targets.positions, 3), tensorOf(targets.quaternions, 4)], 1));

  test("measure the pose error from the tip: metres to go, and 2·sin(angle/2)·axis to turn", () => {
    const error = errorOf(tensorOf(q, dof)).dataSync();
    for (let row = 0; row < ROWS; row++) {
      const [is, wanted] = [poseAt(reached, row), poseAt(targets, row)];
      const turn = rotationVector(multiply(conjugate(is.quaternion), wanted.quaternion));
      const angle = Math.hypot(...turn);
      const r = matrixFromQuaternion(is.quaternion);
      const offset = wanted.position.map((value, i) => value - is.position[i]!);
      for (let k = 0; k < 3; k++) {
        const seen = r[k]! * offset[0]! + r[3 + k]! * offset[1]! + r[6 + k]! * offset[2]!;
        expect(Math.abs(error[row * 6 + k]! - seen)).toBeLessThan(1e-5);
        expect(Math.abs(error[row * 6 + 3 + k]! - turn[k]! * ((2 * Math.sin(angle / 2)) / angle))).toBeLessThan(1e-5);
      }
    }
  });

  test("have the tangents and gradients that finite differences of the host give", () => {
    const direction = random.normals(ROWS * dof);
    const step = 1e-4;
    const at = (by: number) =>
      forwardKinematicsBatch(
        chain,
        q.map((value, i) => value + by * direction[i]!),
      ).positions;
    const [before, after] = [at(-step), at(step)];
    const slope = before.map((value, i) => (after[i]! - value) / (2 * step));

    const position = (x: tf.Tensor) => forwardKinematicsTensor(chain, x).position;
    const { tangent } = jvp(position, [tensorOf(q, dof) as tf.Tensor], [tensorOf(direction, dof)]);
    tangent.dataSync().forEach((value, i) => {
      expect(Math.abs(value - slope[i]!)).toBeLessThan(1e-4);
    });

    // ∇(Σ w·p)·direction = Σ w·slope.
    const weights = random.normals(ROWS * 3);
    const gradient = tf.grad((x) => tf.sum(tf.mul(position(x), tensorOf(weights, 3))))(tensorOf(q, dof));
    const along = [...gradient.dataSync()].reduce((sum, value, i) => sum + value * direction[i]!, 0);
    expect(along).toBeCloseTo(
      weights.reduce((sum, value, i) => sum + value * slope[i]!, 0),
      3,
    );
  });

  test("have a pose error whose tangent is the difference of two pose errors", () => {
    const direction = random.normals(ROWS * dof);
    const step = 1e-2;
    const at = (by: number) =>
      errorOf(
        tensorOf(
          q.map((value, i) => value + by * direction[i]!),
          dof,
        ),
      ).dataSync();
    const [before, after] = [at(-step), at(step)];
    const { tangent } = jvp(errorOf, [tensorOf(q, dof) as tf.Tensor], [tensorOf(direction, dof)]);
    tangent.dataSync().forEach((value, i) => {
      // Differences of float32 over 0.02: rounding 1e-4, and curvature step²·|direction|³.
      expect(Math.abs(value - (after[i]! - before[i]!) / (2 * step))).toBeLessThan(8e-3);
    });
  });
});

test("the error grows up to 154 degrees", () => {
  const { chain } = loadRobot("panda");
  const q = tensorOf(new Float32Array(7), 7);
  const { positions } = forwardKinematicsBatch(chain, new Float64Array(7));
  // At zero the hand stands at (0, 0.92388, 0.38268, 0); turned further about its own z by each angle.
  const sizes = [0.5, 1, 2, 2.65].map((angle) => {
    const turned = multiply([0, 0.923879533, 0.382683432, 0], [Math.cos(angle / 2), 0, 0, Math.sin(angle / 2)]);
    const error = tipErrorTensor(chain, q, tensorOf([...positions, ...turned], 7)).dataSync();
    return Math.hypot(error[3]!, error[4]!, error[5]!);
  });
  for (const [i, angle] of [0.5, 1, 2, 2.65].entries()) expect(sizes[i]).toBeCloseTo(2 * Math.sin(angle / 2), 3);
});

test("a target quaternion and its negative give the same error", () => {
  const { chain } = loadRobot("panda");
  const q = tensorOf(sampleConfigurations(chain, createStream(1, "test/sign"), 4), 7);
  const position = tf.zeros([4, 3]);
  const quaternion = tensorOf([0.5, 0.5, 0.5, 0.5, 0, 1, 0, 0, 0.6, 0, 0, 0.8, 1, 0, 0, 0], 4);
  const [plus, minus] = [quaternion, tf.neg(quaternion)].map((t) =>
    tipErrorTensor(chain, q, tf.concat([position, t], 1)).dataSync(),
  );
  expect(plus).toEqual(minus);
});

test("the error is zero at the target, and nothing leaks", () => {
  const { chain } = loadRobot("ur10");
  const q = sampleConfigurations(chain, createStream(2, "test/zero"), 8).map(Math.fround);
  const targets = forwardKinematicsBatch(chain, q);
  const x = tensorOf(q, 6);
  const target = tf.tidy(() => tf.concat([tensorOf(targets.positions, 3), tensorOf(targets.quaternions, 4)], 1));
  const before = tf.memory().numTensors;
  const error = tipErrorTensor(chain, x, target);
  expect(tf.memory().numTensors).toBe(before + 1);
  for (const value of error.dataSync()) expect(Math.abs(value)).toBeLessThan(2e-6);
});
