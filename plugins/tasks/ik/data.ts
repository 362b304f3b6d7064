import { toFloat32 } from "../../../core/data/convert.ts";
import type { Dataset } from "../../../core/data/dataset.ts";
import { arrayDataset, generatedDataset } from "../../../core/data/datasets.ts";
import { checkFinite, checkShape, readArrays } from "../../../core/data/files.ts";
import { float32, type HostBatch, type HostTensor } from "../../../core/data/host-tensor.ts";
import { errors } from "../../../core/errors.ts";
import { createStream, type RandomStream } from "../../../core/random.ts";
import { ikErrors } from "./errors.ts";
import type { Chain } from "./robot/chain.ts";
import { forwardKinematicsBatch, type Poses } from "./robot/kinematics.ts";
import { canonical, normalize } from "./robot/rotation.ts";
import { jointDifference, nearestBranch, sampleConfigurations, sampleServoPairs } from "./robot/sampling.ts";

/**
 * Where a solution is looked for from. `servo`: near it, at solution + N(0, sigma²) rad, as when a robot follows a path.
 * `global`: anywhere in the joint range.
 */
export interface Regime {
  readonly regime: "servo" | "global";
  readonly sigma: number;
}

/** Joint pairs and the pose of each solution: q `[N, dof]` in rad, poses in m and canonical quaternions. */
export interface Pairs {
  readonly sources: Float64Array;
  readonly solutions: Float64Array;
  readonly poses: Poses;
}

export function samplePairs(chain: Chain, random: RandomStream, count: number, { regime, sigma }: Regime): Pairs {
  const { sources, solutions } =
    regime === "servo" ? sampleServoPairs(chain, random, count, sigma) : sampleGlobalPairs(chain, random, count);
  return { sources, solutions, poses: forwardKinematicsBatch(chain, solutions) };
}

function sampleGlobalPairs(chain: Chain, random: RandomStream, count: number) {
  const sources = sampleConfigurations(chain, random, count);
  return { sources, solutions: nearestBranch(chain, sampleConfigurations(chain, random, count), sources) };
}

/** Poses as rows x y z qw qx qy qz, `[N·7]`. */
export function poseRows({ positions, quaternions }: Poses): Float32Array {
  const count = positions.length / 3;
  const rows = new Float32Array(count * 7);
  for (let i = 0; i < count; i++) {
    rows.set(positions.subarray(i * 3, i * 3 + 3), i * 7);
    rows.set(quaternions.subarray(i * 4, i * 4 + 4), i * 7 + 3);
  }
  return rows;
}

/** The inverse of `poseRows`; quaternions are normalised and made canonical. Throws MF_IK_POSE for one of length zero. */
export function posesFromRows(rows: ArrayLike<number>, source: string): Poses {
  const count = rows.length / 7;
  const positions = new Float64Array(count * 3);
  const quaternions = new Float64Array(count * 4);
  for (let i = 0; i < count; i++) {
    const [x, y, z, qw, qx, qy, qz] = Array.from({ length: 7 }, (_, k) => rows[i * 7 + k]!);
    const norm = Math.hypot(qw!, qx!, qy!, qz!);
    if (!(norm > 1e-6)) throw ikErrors.MF_IK_POSE({ source, row: i, problem: "has a quaternion of length zero" });
    positions.set([x!, y!, z!], i * 3);
    quaternions.set(canonical(normalize([qw!, qx!, qy!, qz!])), i * 4);
  }
  return { positions, quaternions };
}

/**
 * What a flow objective reads: source and solution `[B, dof]`, pose `[B, 7]`, and for robots with continuous joints the
 * displacement `[B, dof]` that goes the short way round.
 */
export function toBatch(chain: Chain, { sources, solutions, poses }: Pairs): HostBatch {
  const dof = chain.joints.length;
  const count = sources.length / dof;
  const rows = (q: Float64Array) => float32(Float32Array.from(q), [count, dof]);
  const wraps = chain.joints.some((joint) => joint.continuous);
  return {
    source: rows(sources),
    solution: rows(solutions),
    pose: float32(poseRows(poses), [count, 7]),
    ...(wraps ? { displacement: rows(jointDifference(chain, sources, solutions)) } : {}),
  };
}

/** Pairs made while training: forward kinematics is cheap, so no sample is seen twice. */
export const sampledDataset = (chain: Chain, regime: Regime): Dataset =>
  generatedDataset((random, count) => toBatch(chain, samplePairs(chain, random, count, regime)));

/** Pairs like the sampled ones that no training sees, whatever its seed. */
export const heldOutDataset = (chain: Chain, regime: Regime): Dataset =>
  generatedDataset((_, count, index) =>
    toBatch(chain, samplePairs(chain, createStream(0, "ik/held-out", index), count, regime)),
  );

/**
 * Pairs of a file: `q` `[N, dof]`, `q_target` `[N, dof]`, `target_pose` `[N, 7]` (x y z qw qx qy qz), as
 * `mf data generate` writes them. Times in the file are not read: objectives draw their own.
 * Throws MF_DATA_VALUE for a missing array, a wrong shape or NaN, MF_IK_POSE for a zero quaternion.
 */
export async function fileDataset(chain: Chain, path: string): Promise<Dataset> {
  const arrays = await readArrays(path);
  const dof = chain.joints.length;
  const take = (name: string, shape: readonly (number | null)[]): HostTensor<"float32"> => {
    const array = arrays[name];
    if (array === undefined) {
      const known = Object.keys(arrays).join(", ");
      throw errors.MF_DATA_VALUE({ path, array: name, problem: `is missing (the file holds ${known || "nothing"})` });
    }
    checkShape(path, name, array, shape);
    checkFinite(path, name, array);
    return toFloat32(array);
  };
  const source = take("q", [null, dof]);
  const rows = source.shape[0]!;
  const solution = take("q_target", [rows, dof]);
  const pose = take("target_pose", [rows, 7]);
  const sources = Float64Array.from(source.data);
  const solutions = nearestBranch(chain, solution.data, sources);
  return arrayDataset(toBatch(chain, { sources, solutions, poses: posesFromRows(pose.data, path) }));
}
