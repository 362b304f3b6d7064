import { float32 } from "../../../core/data/host-tensor.ts";
import { createStream } from "../../../core/random.ts";
import { type Actor, type Clip3d, type Part, rounded, type Scene3d } from "../../../core/report/figure.ts";
import type { Predict } from "../../../core/task.ts";
import { poseRows, type Regime, samplePairs } from "./data.ts";
import type { Chain } from "./robot/chain.ts";
import { forwardKinematicsBatch, type Poses, poseAt, walk } from "./robot/kinematics.ts";
import { poseErrors } from "./robot/pose-error.ts";
import { clampToLimits, jointDifference, sampleConfigurations } from "./robot/sampling.ts";
import { type Transform, transformOfPose } from "./robot/transform.ts";

const TARGETS = 5;
const INTERVAL_S = 1 / 30;
const REACH_FRAMES = 45;
/** Corners of the path that the tip is led along, and steps between two. */
const CORNERS = 4;
const PATH_STEPS = 60;
/** Of drawn axes, m. */
const AXIS = 0.12;

/**
 * The robot reaching held-out targets with the network's answers; in the servo regime also following a moving target, each
 * answer being the next reference, so that errors may add up.
 */
export async function reachingScene(chain: Chain, regime: Regime, predict: Predict): Promise<Scene3d> {
  const reaches = await reachClips(chain, regime, predict);
  const follows = regime.regime === "servo" ? [await followClip(chain, predict)] : [];
  return {
    kind: "scene3d",
    up: "z",
    actors: [robotActor(chain), targetActor, pathActor(CORNERS * PATH_STEPS)],
    clips: [...follows, ...reaches],
  };
}

/** From a reference to the network's answer for a held-out target, in a straight line between the joint values. */
async function reachClips(chain: Chain, regime: Regime, predict: Predict): Promise<Clip3d[]> {
  const { sources, poses } = samplePairs(chain, createStream(0, "ik/report"), TARGETS, regime);
  const answers = await solve(chain, predict, poses, sources);
  const errors = poseErrors(chain, answers, poses);
  const dof = chain.joints.length;
  return Array.from({ length: TARGETS }, (_, i) => {
    const [from, to] = [sources, answers].map((q) => q.subarray(i * dof, (i + 1) * dof)) as [
      Float64Array,
      Float64Array,
    ];
    const difference = jointDifference(chain, from, to);
    const frames = Array.from({ length: REACH_FRAMES + 1 }, (_, k) => {
      const share = eased(k / REACH_FRAMES);
      return robotPoints(
        chain,
        from.map((value, j) => value + share * difference[j]!),
      );
    });
    return {
      title: `Target ${i + 1}`,
      note: `One answer of the network: ${said(errors.position_error_mm[i]!, errors.orientation_error_deg[i]!)} from the target.`,
      interval_s: INTERVAL_S,
      frames: [frames, [framePoints(poses, i)], []],
      trail: { actor: 0, point: tipPoint(chain) },
    };
  });
}

async function followClip(chain: Chain, predict: Predict): Promise<Clip3d> {
  const path = pathThrough(chain);
  const poses = forwardKinematicsBatch(chain, path);
  const dof = chain.joints.length;
  const count = path.length / dof;
  const q = new Float64Array(path.length);
  q.set(path.subarray(0, dof));
  for (let i = 1; i < count; i++) {
    const target = slice(poses, i);
    q.set(await solve(chain, predict, target, q.slice((i - 1) * dof, i * dof)), i * dof);
  }
  const errors = poseErrors(chain, q, poses);
  const row = (i: number): Float64Array => q.subarray(i * dof, (i + 1) * dof);
  const [position, orientation] = [errors.position_error_mm, errors.orientation_error_deg].map(mean) as [
    number,
    number,
  ];
  return {
    title: "Following",
    note: `A moving target, ${count} answers, each from the one before: ${said(position, orientation)} from it on average, ${Math.max(...errors.position_error_mm).toFixed(1)} mm at most.`,
    interval_s: INTERVAL_S,
    frames: [
      Array.from({ length: count }, (_, i) => robotPoints(chain, row(i))),
      Array.from({ length: count }, (_, i) => framePoints(poses, i)),
      [rounded(poses.positions)],
    ],
    trail: { actor: 0, point: tipPoint(chain) },
  };
}

/** Joint values along a closed way through drawn configurations, `[corners · steps, dof]`, smooth in between. */
function pathThrough(chain: Chain): Float64Array {
  const dof = chain.joints.length;
  const corners = sampleConfigurations(chain, createStream(0, "ik/report-path"), CORNERS);
  // Toward the middle of the ranges, where a tip has room.
  const home = Float64Array.from({ length: dof }, (_, j) => mean(corners.filter((_, i) => i % dof === j)));
  return Float64Array.from({ length: CORNERS * PATH_STEPS * dof }, (_, i) => {
    const [joint, step] = [i % dof, Math.floor(i / dof)];
    const corner = Math.floor(step / PATH_STEPS);
    const at = (k: number): number => home[joint]! + 0.45 * (corners[(k % CORNERS) * dof + joint]! - home[joint]!);
    const share = eased((step % PATH_STEPS) / PATH_STEPS);
    return at(corner) + share * (at(corner + 1) - at(corner));
  });
}

async function solve(chain: Chain, predict: Predict, poses: Poses, reference: Float64Array): Promise<Float64Array> {
  const dof = chain.joints.length;
  const rows = reference.length / dof;
  const { joints } = await predict({
    pose: float32(poseRows(poses), [rows, 7]),
    reference: float32(Float32Array.from(reference), [rows, dof]),
  });
  return Float64Array.from(clampToLimits(chain, joints!.data as Float32Array));
}

const slice = ({ positions, quaternions }: Poses, i: number): Poses => ({
  positions: positions.slice(3 * i, 3 * i + 3),
  quaternions: quaternions.slice(4 * i, 4 * i + 4),
});

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const said = (mm: number, degrees: number): string => `${mm.toFixed(1)} mm and ${degrees.toFixed(2)}°`;

/** Starts and ends at rest: 3s² − 2s³. */
const eased = (share: number): number => share * share * (3 - 2 * share);

/** The tip comes after base and joints; then the ends of its axes, then two points for each joint's drum. */
const tipPoint = ({ joints }: Chain): number => joints.length + 1;

/** Base, joints, tip, ends of the tip's axes, and the drum of each joint, in the base frame. */
function robotPoints(chain: Chain, q: ArrayLike<number>): number[] {
  const count = chain.joints.length;
  const tip: Transform = new Float64Array(12);
  const joints = new Float64Array(6 * count);
  walk(chain, q, 0, tip, joints);
  const points = [0, 0, 0];
  const drums: number[] = [];
  for (let j = 0; j < count; j++) {
    const axis = joints.subarray(6 * j, 6 * j + 3);
    const at = Array.from(joints.subarray(6 * j + 3, 6 * j + 6));
    const half = 1.25 * radiusOf(chain, j);
    points.push(...at);
    drums.push(...at.map((value, k) => value - half * axis[k]!), ...at.map((value, k) => value + half * axis[k]!));
  }
  return rounded([...points, ...axesPoints(tip), ...drums]);
}

/** A frame's origin and the ends of its axes. */
function axesPoints(t: Transform): number[] {
  const end = (column: number): number[] => [3, 7, 11].map((at, row) => t[at]! + AXIS * t[4 * row + column]!);
  return [t[3]!, t[7]!, t[11]!, ...end(0), ...end(1), ...end(2)];
}

const framePoints = (poses: Poses, i: number): number[] => rounded(axesPoints(transformOfPose(poseAt(poses, i))));

/** Links are thinner toward the tip; in proportion to the arm's length. */
function radiusOf(chain: Chain, joint: number): number {
  const thickest = 0.055 * Math.min(1.4, Math.max(0.4, armLength(chain) / 1.2));
  return thickest * (1 - (0.45 * joint) / chain.joints.length);
}

function armLength({ joints, tipOffset }: Chain): number {
  const length = (t: Transform): number => Math.hypot(t[3]!, t[7]!, t[11]!);
  return joints.reduce((sum, { origin }) => sum + length(origin), length(tipOffset));
}

function robotActor(chain: Chain): Actor {
  const count = chain.joints.length;
  const tip = tipPoint(chain);
  const drumsAt = tip + 4;
  const link = (from: number): Part => ({
    shape: "capsule",
    from,
    to: from + 1,
    radius: 0.8 * radiusOf(chain, Math.min(from, count - 1)),
    ink: "shell",
  });
  const drum = (joint: number): Part => ({
    shape: "cylinder",
    from: drumsAt + 2 * joint,
    to: drumsAt + 2 * joint + 1,
    radius: radiusOf(chain, joint),
  });
  return {
    name: chain.description.name,
    ink: "model",
    parts: [
      ...Array.from({ length: count + 1 }, (_, i) => link(i)),
      ...Array.from({ length: count }, (_, i) => drum(i)),
      ...axesParts(tip),
    ],
  };
}

const axesParts = (origin: number): Part[] =>
  (["x", "y", "z"] as const).map((ink, i) => ({
    shape: "capsule",
    from: origin,
    to: origin + 1 + i,
    radius: 0.006,
    ink,
  }));

const targetActor: Actor = {
  name: "target",
  ink: "target",
  parts: [{ shape: "capsule", from: 0, to: 0, radius: 0.024 }, ...axesParts(0)],
};

const pathActor = (points: number): Actor => ({
  name: "",
  ink: "target",
  parts: Array.from({ length: points - 1 }, (_, i) => ({ shape: "capsule", from: i, to: i + 1, radius: 0.0025 })),
});
