import { describe, expect, test } from "vitest";
import { createStream } from "../../../../../core/random.ts";
import {
  forwardKinematics,
  forwardKinematicsBatch,
  jacobian,
  linkPose,
  poseAt,
} from "../../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../../plugins/tasks/ik/robot/load.ts";
import {
  conjugate,
  multiply,
  type Pose,
  quaternionFromMatrix,
  rotationVector,
} from "../../../../../plugins/tasks/ik/robot/rotation.ts";
import { sampleConfigurations } from "../../../../../plugins/tasks/ik/robot/sampling.ts";
import { chainOf } from "./robots.ts";

const H = Math.PI / 2;

function expectPose(pose: Pose, position: readonly number[], quaternion: readonly number[]): void {
  position.forEach((value, i) => {
    expect(Math.abs(pose.position[i]! - value)).toBeLessThan(1e-8);
  });
  // The tables give either of q and −q.
  const sign = quaternion.reduce((sum, value, i) => sum + value * pose.quaternion[i]!, 0) < 0 ? -1 : 1;
  quaternion.forEach((value, i) => {
    expect(Math.abs(pose.quaternion[i]! - sign * value)).toBeLessThan(1e-8);
  });
}

describe("Panda stands where its published kinematics put it", () => {
  const { chain } = loadRobot("panda", { tip: "panda_hand_tcp" });
  const C = 0.923879533;
  const S = 0.382683432;
  const READY = [0, -Math.PI / 4, 0, -3 * (Math.PI / 4), 0, H, Math.PI / 4];
  const BENT = [0, 0, 0, -1.5708, 0, 1.8675, 0];
  const ODD = [0.5, -0.3, 0.8, -1.7, 0.4, 2.1, -0.9];
  test.each<[link: string, q: number[], position: number[], quaternion: number[]]>([
    ["panda_link8", [0, 0, 0, 0, 0, 0, 0], [0.088, 0, 0.926], [0, 1, 0, 0]],
    ["panda_hand", [0, 0, 0, 0, 0, 0, 0], [0.088, 0, 0.926], [0, C, S, 0]],
    ["panda_hand_tcp", [0, 0, 0, 0, 0, 0, 0], [0.088, 0, 0.8226], [0, C, S, 0]],
    ["panda_link8", READY, [0.306890567, 0, 0.590282052], [0, C, -S, 0]],
    ["panda_hand_tcp", READY, [0.306890567, 0, 0.486882052], [0, 1, 0, 0]],
    ["panda_link8", BENT, [0.581938436, 0, 0.654902001], [0, 0.989016305, 0, 0.147806458]],
    ["panda_hand_tcp", BENT, [0.61216908, 0, 0.556019909], [0.056563082, 0.913731921, 0.378480154, 0.136555361]],
    [
      "panda_link8",
      ODD,
      [0.05132455, 0.530972742, 0.726937395],
      [0.14730563, -0.451298128, -0.835854172, -0.275642621],
    ],
    [
      "panda_hand_tcp",
      ODD,
      [0.051587387, 0.592366655, 0.643737165],
      [0.030608792, -0.09707756, -0.944932878, -0.311032],
    ],
  ])("%s at [%s]", (link, q, position, quaternion) => {
    expectPose(linkPose(chain, q, link), position, quaternion);
  });
});

describe("UR10 and UR10e stand where their published kinematics put them", () => {
  const R = Math.SQRT1_2;
  test.each<[q: number[], ur10: number[], ur10e: number[], quaternion: number[]]>([
    [
      [0, 0, 0, 0, 0, 0],
      [1.1843, 0.256141, 0.0116],
      [1.18425, 0.2907, 0.06085],
      [0, 0, -R, -R],
    ],
    [
      [0, -H, 0, -H, 0, 0],
      [0, 0.256141, 1.4273],
      [0, 0.2907, 1.4848],
      [R, -R, 0, 0],
    ],
    [
      [0, -H, H, -H, -H, 0],
      [0.688, 0.163941, 0.6471],
      [0.6914, 0.17415, 0.67685],
      [0, R, -R, 0],
    ],
    [
      [0.3, -1.2, 1.5, -0.8, 0.6, -0.4],
      [0.759880763, 0.48631772, 0.452004315],
      [0.763910339, 0.519286987, 0.509228058],
      [0.404430229, -0.173509665, 0.578396391, 0.686868402],
    ],
  ])("tool0 at [%s]", (q, ur10, ur10e, quaternion) => {
    expectPose(forwardKinematics(loadRobot("ur10").chain, q), ur10, quaternion);
    expectPose(forwardKinematics(loadRobot("ur10e").chain, q), ur10e, quaternion);
  });
});

describe("the URDF files agree with the Denavit–Hartenberg tables", () => {
  type Matrix = number[];
  const multiply4 = (a: Matrix, b: Matrix): Matrix =>
    a.map((_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + a[(i & 12) + k]! * b[4 * k + (i & 3)]!, 0));
  const rotX = (t: number): Matrix => [
    1,
    0,
    0,
    0,
    0,
    Math.cos(t),
    -Math.sin(t),
    0,
    0,
    Math.sin(t),
    Math.cos(t),
    0,
    0,
    0,
    0,
    1,
  ];
  const rotZ = (t: number): Matrix => [
    Math.cos(t),
    -Math.sin(t),
    0,
    0,
    Math.sin(t),
    Math.cos(t),
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    1,
  ];
  const shift = (x: number, z: number): Matrix => [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, z, 0, 0, 0, 1];
  const product = (...matrices: Matrix[]): Pose => {
    const m = matrices.reduce(multiply4) as [number, number, number, number] & number[];
    return {
      position: [m[3], m[7]!, m[11]!],
      quaternion: quaternionFromMatrix([m[0], m[1], m[2], m[4]!, m[5]!, m[6]!, m[8]!, m[9]!, m[10]!]),
    };
  };
  const random = createStream(0, "test/dh");

  test("Panda: modified (Craig) parameters", () => {
    const a = [0, 0, 0, 0.0825, -0.0825, 0, 0.088];
    const d = [0.333, 0, 0.316, 0, 0.384, 0, 0];
    const alpha = [0, -H, H, H, -H, H, H];
    const { chain } = loadRobot("panda", { tip: "panda_link8" });
    for (let trial = 0; trial < 100; trial++) {
      const q = sampleConfigurations(chain, random, 1);
      const links = d.flatMap((_, i) => [rotX(alpha[i]!), shift(a[i]!, 0), rotZ(q[i]!), shift(0, d[i]!)]);
      const expected = product(...links, shift(0, 0.107));
      expectPose(forwardKinematics(chain, q), expected.position, expected.quaternion);
    }
  });

  test.each([
    ["ur10", [0, -0.612, -0.5723, 0, 0, 0], [0.1273, 0, 0, 0.163941, 0.1157, 0.0922]],
    ["ur10e", [0, -0.6127, -0.57155, 0, 0, 0], [0.1807, 0, 0, 0.17415, 0.11985, 0.11655]],
  ])("%s: standard parameters, from the link base", (name, a, d) => {
    const alpha = [H, 0, 0, H, -H, 0];
    const { chain } = loadRobot(name);
    for (let trial = 0; trial < 100; trial++) {
      const q = sampleConfigurations(chain, random, 1);
      const links = d.flatMap((_, i) => [rotZ(q[i]!), shift(a[i]!, d[i]!), rotX(alpha[i]!)]);
      // base_link is base turned by half a turn.
      const expected = product(rotZ(Math.PI), ...links);
      expectPose(forwardKinematics(chain, q), expected.position, expected.quaternion);
    }
  });
});

describe("forward kinematics", () => {
  test("slides a prismatic joint along its axis and turns it with the joints before", () => {
    const chain = chainOf(["revolute", "prismatic"]);
    const at = (q: number[]) => forwardKinematics(chain, q).position;
    const [short, long] = [at([0.7, 0]), at([0.7, 0.9])];
    expect(Math.hypot(...long.map((value, i) => value - short[i]!))).toBeCloseTo(0.9, 12);
    expect(forwardKinematics(chain, [0.7, 0]).quaternion).toEqual(forwardKinematics(chain, [0.7, 0.9]).quaternion);
  });

  test("takes a tool in the tip's frame", () => {
    const { chain } = loadRobot("panda");
    const tcp = linkPose(chain, new Float64Array(7), "panda_hand_tcp");
    const same = forwardKinematics(chain, new Float64Array(7), { position: [0, 0, 0.1034], quaternion: [1, 0, 0, 0] });
    expectPose(same, tcp.position, tcp.quaternion);
  });

  test("gives the same for a batch, from float64 and float32", () => {
    const chain = chainOf(["revolute", "continuous", "prismatic", "revolute"]);
    const q = sampleConfigurations(chain, createStream(1, "test/batch"), 3).map(Math.fround);
    for (const values of [q, Float32Array.from(q)]) {
      const poses = forwardKinematicsBatch(chain, values);
      for (let row = 0; row < 3; row++) {
        expect(poseAt(poses, row)).toEqual(forwardKinematics(chain, q.subarray(row * 4, row * 4 + 4)));
      }
    }
  });

  test("refuses joint values that do not fit the robot, and links that its joints do not place", () => {
    const { chain } = loadRobot("ur10");
    expect(() => forwardKinematics(chain, [0, 0])).toThrow("the joint values must hold 6 numbers, not 2");
    expect(() => forwardKinematicsBatch(chain, new Float64Array(13))).toThrow("a multiple of 6 numbers");
    expect(() => linkPose(chain, new Float64Array(6), "tool")).toThrow('Did you mean "tool0"?');
    const { chain: part } = loadRobot("ur10", { tip: "forearm_link" });
    expect(() => linkPose(part, new Float64Array(3), "tool0")).toThrow('do not place the link "tool0"');
    expect(linkPose(part, new Float64Array(3), "base").position).toEqual([0, 0, 0]);
  });
});

test.each([
  ["panda", loadRobot("panda").chain],
  ["ur10", loadRobot("ur10").chain],
  ["an arm with a slide", chainOf(["continuous", "prismatic", "revolute"])],
])("the Jacobian of %s is what finite differences give", (_, chain) => {
  const dof = chain.joints.length;
  const step = 1e-6;
  const q = sampleConfigurations(chain, createStream(2, "test/jacobian"), 1);
  const j = jacobian(chain, q);
  for (let i = 0; i < dof; i++) {
    const nudged = (by: number) => forwardKinematics(chain, q.with(i, q[i]! + by));
    const [before, after] = [nudged(-step), nudged(step)];
    const turn = rotationVector(multiply(after.quaternion, conjugate(before.quaternion)));
    for (let k = 0; k < 3; k++) {
      expect(j[k * dof + i]).toBeCloseTo((after.position[k]! - before.position[k]!) / (2 * step), 7);
      expect(j[(3 + k) * dof + i]).toBeCloseTo(turn[k]! / (2 * step), 7);
    }
  }
});
