import { errors } from "../../../../core/errors.ts";
import { type Chain, chainBetween } from "./chain.ts";
import { robotErrors } from "./errors.ts";
import { type Pose, quaternionFromMatrix, writeQuaternion } from "./rotation.ts";
import { compose, type Transform, transformOfPose } from "./transform.ts";

/** Many poses: metres `[B, 3]`, and canonical quaternions (w, x, y, z) `[B, 4]`. */
export interface Poses {
  readonly positions: Float64Array;
  readonly quaternions: Float64Array;
}

/**
 * Writes the tip's transform at the joint values `q[at …]` into `pose`; with `joints` `[dof, 6]`, also each joint's axis
 * and a point on it, in the base frame. The inner loop of everything here: it allocates nothing and checks nothing.
 */
export function walk(chain: Chain, q: ArrayLike<number>, at: number, pose: Transform, joints?: Float64Array): void {
  const { aligned } = chain;
  const count = chain.joints.length;
  let xx = 1;
  let xy = 0;
  let xz = 0;
  let yx = 0;
  let yy = 1;
  let yz = 0;
  let zx = 0;
  let zy = 0;
  let zz = 1;
  let px = 0;
  let py = 0;
  let pz = 0;
  for (let i = 0; ; i++) {
    const f = i * 12;
    const f0 = aligned[f]!;
    const f1 = aligned[f + 1]!;
    const f2 = aligned[f + 2]!;
    const f3 = aligned[f + 3]!;
    const f4 = aligned[f + 4]!;
    const f5 = aligned[f + 5]!;
    const f6 = aligned[f + 6]!;
    const f7 = aligned[f + 7]!;
    const f8 = aligned[f + 8]!;
    const f9 = aligned[f + 9]!;
    const f10 = aligned[f + 10]!;
    const f11 = aligned[f + 11]!;
    px += xx * f3 + yx * f7 + zx * f11;
    py += xy * f3 + yy * f7 + zy * f11;
    pz += xz * f3 + yz * f7 + zz * f11;
    let ax = xx * f0 + yx * f4 + zx * f8;
    let ay = xy * f0 + yy * f4 + zy * f8;
    let az = xz * f0 + yz * f4 + zz * f8;
    let bx = xx * f1 + yx * f5 + zx * f9;
    let by = xy * f1 + yy * f5 + zy * f9;
    let bz = xz * f1 + yz * f5 + zz * f9;
    const cx = xx * f2 + yx * f6 + zx * f10;
    const cy = xy * f2 + yy * f6 + zy * f10;
    const cz = xz * f2 + yz * f6 + zz * f10;
    if (i < count) {
      if (joints !== undefined) {
        const j = i * 6;
        joints[j] = cx;
        joints[j + 1] = cy;
        joints[j + 2] = cz;
        joints[j + 3] = px;
        joints[j + 4] = py;
        joints[j + 5] = pz;
      }
      const value = q[at + i]!;
      if (chain.joints[i]!.type === "prismatic") {
        px += value * cx;
        py += value * cy;
        pz += value * cz;
      } else {
        const cosine = Math.cos(value);
        const sine = Math.sin(value);
        const [oldX, oldY, oldZ] = [ax, ay, az];
        ax = cosine * oldX + sine * bx;
        ay = cosine * oldY + sine * by;
        az = cosine * oldZ + sine * bz;
        bx = cosine * bx - sine * oldX;
        by = cosine * by - sine * oldY;
        bz = cosine * bz - sine * oldZ;
      }
    }
    xx = ax;
    xy = ay;
    xz = az;
    yx = bx;
    yy = by;
    yz = bz;
    zx = cx;
    zy = cy;
    zz = cz;
    if (i === count) break;
  }
  pose[0] = xx;
  pose[1] = yx;
  pose[2] = zx;
  pose[3] = px;
  pose[4] = xy;
  pose[5] = yy;
  pose[6] = zy;
  pose[7] = py;
  pose[8] = xz;
  pose[9] = yz;
  pose[10] = zz;
  pose[11] = pz;
}

/** The tip's pose in the base frame at joint values `q` `[dof]`; `offset` is a tool in the tip's frame. */
export function forwardKinematics(chain: Chain, q: ArrayLike<number>, offset?: Pose): Pose {
  checkSize(chain, q, 1);
  const tip = new Float64Array(12);
  walk(chain, q, 0, tip);
  return poseOf(offset === undefined ? tip : compose(tip, transformOfPose(offset)));
}

/** The pose of any link that the chain's joints place: one on the way, or one fixed to it. */
export function linkPose(chain: Chain, q: ArrayLike<number>, link: string): Pose {
  checkSize(chain, q, 1);
  const { description, base, tip } = chain;
  if (!description.links.includes(link)) {
    throw errors.MF_UNKNOWN({ kind: `link of robot "${description.name}"`, name: link, known: description.links });
  }
  const part = chainBetween(description, base, link);
  if (part.joints.some((joint, i) => joint.name !== chain.joints[i]?.name)) {
    throw robotErrors.MF_CHAIN_LINK({ robot: description.name, link, base, tip });
  }
  const pose = new Float64Array(12);
  walk(part, q, 0, pose);
  return poseOf(pose);
}

/** Tip poses at many joint values, `[B, dof]` row-major. Allocates nothing per row. */
export function forwardKinematicsBatch(chain: Chain, q: Float64Array | Float32Array): Poses {
  const count = checkSize(chain, q);
  const positions = new Float64Array(count * 3);
  const quaternions = new Float64Array(count * 4);
  const t = new Float64Array(12);
  for (let row = 0; row < count; row++) {
    walk(chain, q, row * chain.joints.length, t);
    positions[row * 3] = t[3]!;
    positions[row * 3 + 1] = t[7]!;
    positions[row * 3 + 2] = t[11]!;
    writeQuaternion(t[0]!, t[1]!, t[2]!, t[4]!, t[5]!, t[6]!, t[8]!, t[9]!, t[10]!, quaternions, row * 4);
  }
  return { positions, quaternions };
}

/** One row of `poses`. */
export const poseAt = ({ positions: p, quaternions: q }: Poses, row: number): Pose => ({
  position: [p[row * 3]!, p[row * 3 + 1]!, p[row * 3 + 2]!],
  quaternion: [q[row * 4]!, q[row * 4 + 1]!, q[row * 4 + 2]!, q[row * 4 + 3]!],
});

/** Geometric Jacobian at the tip in the base frame, row-major `[6, dof]`: velocity above angular velocity. */
export function jacobian(
  chain: Chain,
  q: ArrayLike<number>,
  out: Float64Array = new Float64Array(6 * chain.joints.length),
): Float64Array {
  checkSize(chain, q, 1);
  const tip = new Float64Array(12);
  const joints = new Float64Array(6 * chain.joints.length);
  walk(chain, q, 0, tip, joints);
  writeJacobian(chain, tip, joints, out);
  return out;
}

/** `jacobian` from what `walk` wrote, allocating nothing. */
export function writeJacobian(chain: Chain, tip: Transform, joints: Float64Array, out: Float64Array): void {
  const dof = chain.joints.length;
  for (let i = 0; i < dof; i++) {
    const [ax, ay, az] = [joints[6 * i]!, joints[6 * i + 1]!, joints[6 * i + 2]!];
    if (chain.joints[i]!.type === "prismatic") {
      out[i] = ax;
      out[dof + i] = ay;
      out[2 * dof + i] = az;
      out[3 * dof + i] = out[4 * dof + i] = out[5 * dof + i] = 0;
      continue;
    }
    const rx = tip[3]! - joints[6 * i + 3]!;
    const ry = tip[7]! - joints[6 * i + 4]!;
    const rz = tip[11]! - joints[6 * i + 5]!;
    out[i] = ay * rz - az * ry;
    out[dof + i] = az * rx - ax * rz;
    out[2 * dof + i] = ax * ry - ay * rx;
    out[3 * dof + i] = ax;
    out[4 * dof + i] = ay;
    out[5 * dof + i] = az;
  }
}

/** How many rows of joint values `values` holds. Throws MF_CHAIN_SIZE when they do not fit the chain. */
export function checkSize(chain: Chain, values: ArrayLike<number>, rows?: number): number {
  const dof = chain.joints.length;
  const count = values.length / dof;
  if (rows === undefined ? Number.isInteger(count) : count === rows) return count;
  const expected = rows === undefined ? `a multiple of ${dof} numbers` : `${dof * rows} numbers`;
  throw robotErrors.MF_CHAIN_SIZE({
    robot: chain.description.name,
    what: "the joint values",
    expected,
    received: values.length,
  });
}

const poseOf = (t: Transform): Pose => ({
  position: [t[3]!, t[7]!, t[11]!],
  quaternion: quaternionFromMatrix([t[0]!, t[1]!, t[2]!, t[4]!, t[5]!, t[6]!, t[8]!, t[9]!, t[10]!]),
});
