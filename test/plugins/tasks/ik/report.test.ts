import { expect, test } from "vitest";
import { float32 } from "../../../../core/data/host-tensor.ts";
import { createStream } from "../../../../core/random.ts";
import type { Clip3d, Scene3d } from "../../../../core/report/figure.ts";
import type { Predict } from "../../../../core/task.ts";
import { posesFromRows, type Regime, samplePairs } from "../../../../plugins/tasks/ik/data.ts";
import { reachingScene } from "../../../../plugins/tasks/ik/report.ts";
import { dlsBatch } from "../../../../plugins/tasks/ik/robot/dls.ts";
import { linkPose, poseAt } from "../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../plugins/tasks/ik/robot/load.ts";
import { matrixFromQuaternion } from "../../../../plugins/tasks/ik/robot/rotation.ts";

const { chain } = loadRobot("panda");
const dof = chain.joints.length;
const servo: Regime = { regime: "servo", sigma: 0.1 };

/** As good as a network can be: damped least squares until it is there. */
const solves: Predict = async (inputs) => {
  const [pose, reference] = [inputs["pose"]!, inputs["reference"]!];
  const poses = posesFromRows(pose.data, "test");
  const q = dlsBatch(chain, Float64Array.from(reference.data), poses, 30);
  return { joints: float32(Float32Array.from(q), reference.shape) };
};
const staysPut: Predict = async (inputs) => ({ joints: inputs["reference"]! });

const pointOf = (points: readonly number[], i: number): number[] => points.slice(3 * i, 3 * i + 3);
const distance = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((x, i) => x - b[i]!));
const tip = dof + 1;
const lastOf = ({ frames }: Clip3d, actor: number): readonly number[] => frames[actor]!.at(-1)!;

function checkShape({ actors, clips }: Scene3d): void {
  for (const { frames, trail } of clips) {
    expect(frames).toHaveLength(actors.length);
    for (const [a, own] of frames.entries()) {
      const points = Math.max(0, ...actors[a]!.parts.flatMap(({ from, to }) => [from, to])) + 1;
      for (const frame of own) {
        expect(frame).toHaveLength(3 * points);
        expect(frame.every(Number.isFinite)).toBe(true);
      }
    }
    expect(trail).toEqual({ actor: 0, point: tip });
  }
}

test("joints, tip and the tip's axes stand where each link's own kinematics puts them", async () => {
  const scene = await reachingScene(chain, servo, staysPut);
  checkShape(scene);
  const { sources } = samplePairs(chain, createStream(0, "ik/report"), 5, servo);
  const reaches = scene.clips.filter(({ title }) => title.startsWith("Target"));
  for (const [i, { frames }] of reaches.entries()) {
    const q = sources.subarray(i * dof, (i + 1) * dof);
    const first = frames[0]![0]!;
    expect(pointOf(first, 0)).toEqual([0, 0, 0]);
    for (let j = 0; j < dof; j++) {
      expect(distance(pointOf(first, 1 + j), linkPose(chain, q, `panda_link${j + 1}`).position)).toBeLessThan(2e-4);
    }
    const { position, quaternion } = linkPose(chain, q, "panda_hand");
    expect(distance(pointOf(first, tip), position)).toBeLessThan(2e-4);
    const m = matrixFromQuaternion(quaternion);
    for (const axis of [0, 1, 2]) {
      const along = pointOf(first, tip + 1 + axis).map((x, k) => (x - position[k]!) / 0.12);
      expect(distance(along, [m[axis]!, m[3 + axis]!, m[6 + axis]!])).toBeLessThan(2e-3);
    }
  }
});

test("a network that solves its targets takes the tip to each of them, and keeps up with the moving one", async () => {
  const scene = await reachingScene(chain, servo, solves);
  checkShape(scene);
  const [follow, ...reaches] = scene.clips as [Clip3d, ...Clip3d[]];
  expect(reaches).toHaveLength(5);
  for (const clip of reaches) {
    expect(distance(pointOf(lastOf(clip, 0), tip), pointOf(lastOf(clip, 1), 0))).toBeLessThan(3e-4);
    expect(clip.note).toContain("0.0 mm and 0.00°");
    expect(distance(pointOf(clip.frames[0]![0]!, tip), pointOf(lastOf(clip, 1), 0))).toBeGreaterThan(0.005);
  }
  const [robot, target, path] = follow.frames as [number[][], number[][], number[][]];
  expect(robot).toHaveLength(240);
  for (const [i, points] of robot.entries()) {
    expect(distance(pointOf(points, tip), pointOf(target[i]!, 0))).toBeLessThan(5e-4);
    expect(pointOf(path[0]!, i)).toEqual(pointOf(target[i]!, 0));
  }
  // What the network is asked for is near its reference, as in training.
  for (let i = 1; i < 240; i++) {
    expect(distance(pointOf(target[i]!, 0), pointOf(target[i - 1]!, 0))).toBeLessThan(0.05);
  }
});

test("one that does not move is said to be as far off as the references are", async () => {
  const { clips } = await reachingScene(chain, servo, staysPut);
  const { sources, poses } = samplePairs(chain, createStream(0, "ik/report"), 5, servo);
  for (const i of [0, 1, 2, 3, 4]) {
    const at = linkPose(chain, sources.subarray(i * dof, (i + 1) * dof), "panda_hand").position;
    const mm = 1000 * distance(at, poseAt(poses, i).position);
    expect(clips[1 + i]!.note).toContain(`: ${mm.toFixed(1)} mm and `);
  }
});

test("without references nearby there is no moving target to follow", async () => {
  const { clips } = await reachingScene(chain, { regime: "global", sigma: 0.1 }, staysPut);
  expect(clips.map(({ title }) => title)).toEqual(["Target 1", "Target 2", "Target 3", "Target 4", "Target 5"]);
});
