import { JOINTS, ROOT_HEIGHT } from "../motion/layout.ts";
import { writeExponential, writeProduct } from "../motion/rotation.ts";
import { writeRotation } from "../motion/six-dof.ts";
import { type Body, type BodyPoint, PARENTS } from "./body.ts";

/** Where a body's joints are in the world at one moment, below the pelvis at x = z = 0. */
export interface Stance {
  /** Joint frames, `[23, 9]`, row-major. */
  readonly rotations: Float64Array;
  /** Joints, `[23, 3]`, m. */
  readonly positions: Float64Array;
}

export const emptyStance = (): Stance => ({
  rotations: new Float64Array(JOINTS.length * 9),
  positions: new Float64Array(JOINTS.length * 3),
});

/**
 * By joint: elbows bend about y, in the pose of outstretched arms; knees and toes, the other revolute joints, about x.
 */
const ABOUT_Y = JOINTS.map(({ name }) => name.startsWith("ForeArm"));

const local = new Float64Array(9);

/**
 * Forward kinematics of the channels at `at`, into `stance`. Only the first `count` joints are placed. Rotations are
 * orthonormalised on the way (`writeRotation`).
 */
export function placeJoints(
  body: Body,
  channels: ArrayLike<number>,
  at: number,
  stance: Stance,
  count = JOINTS.length,
): Stance {
  const { rotations, positions } = stance;
  for (let j = 0; j < count; j++) {
    const { kind, offset } = JOINTS[j]!;
    if (kind === "root") {
      writeRotation(channels, at + offset, rotations, 9 * j);
      positions.fill(0, 0, 3);
      positions[1] = channels[at + ROOT_HEIGHT]!;
      continue;
    }
    if (kind === "ball") {
      writeRotation(channels, at + offset, local, 0);
    } else {
      const angle = channels[at + offset]!;
      writeExponential(ABOUT_Y[j] ? 0 : angle, ABOUT_Y[j] ? angle : 0, 0, local, 0);
    }
    writeProduct(rotations, 9 * PARENTS[j]!, local, 0, rotations, 9 * j);
    writePoint(stance, body.joints[j]!, positions, 3 * j);
  }
  return stance;
}

/** Where a point of the body is in the world. */
export function writePoint({ rotations, positions }: Stance, point: BodyPoint, out: Float64Array, at: number): void {
  const { joint, x, y, z } = point;
  for (let k = 0; k < 3; k++) {
    const row = 9 * joint + 3 * k;
    out[at + k] = positions[3 * joint + k]! + rotations[row]! * x + rotations[row + 1]! * y + rotations[row + 2]! * z;
  }
}
