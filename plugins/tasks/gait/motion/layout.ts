/** How a joint moves: six degrees of freedom, three, or an angle about a fixed axis. */
export type JointKind = "root" | "ball" | "revolute";

/** A joint's place among the channels of a motion. */
export interface MotionJoint {
  readonly name: string;
  readonly kind: JointKind;
  /** Its first channel. */
  readonly offset: number;
  /**
   * 9 for the root (6D rotation, translation), 6 for a ball joint (6D rotation), 1 for a revolute joint (angle, rad).
   */
  readonly width: number;
}

/** The published skeleton's joints in its order (Park et al. 2023, `posToSixDof`). */
const ORDER: readonly (readonly [name: string, kind: JointKind])[] = [
  ["Pelvis", "root"],
  ["FemurR", "ball"],
  ["TibiaR", "revolute"],
  ["TalusR", "ball"],
  ["FootPinkyR", "revolute"],
  ["FootThumbR", "revolute"],
  ["FemurL", "ball"],
  ["TibiaL", "revolute"],
  ["TalusL", "ball"],
  ["FootPinkyL", "revolute"],
  ["FootThumbL", "revolute"],
  ["Spine", "ball"],
  ["Torso", "ball"],
  ["Neck", "ball"],
  ["Head", "ball"],
  ["ShoulderR", "ball"],
  ["ArmR", "ball"],
  ["ForeArmR", "revolute"],
  ["HandR", "ball"],
  ["ShoulderL", "ball"],
  ["ArmL", "ball"],
  ["ForeArmL", "revolute"],
  ["HandL", "ball"],
];

const WIDTHS = { root: 9, ball: 6, revolute: 1 } as const;

const ROWS = ["row1.x", "row1.y", "row1.z", "row2.x", "row2.y", "row2.z"];
const CHANNELS = { root: [...ROWS, "dx", "height", "dz"], ball: ROWS, revolute: ["angle"] } as const;

/** Of ball joints and the root: the first two rows of the joint's rotation matrix. Axes: x left, y up, z forward. */
export const JOINTS: readonly MotionJoint[] = placed();

function placed(): MotionJoint[] {
  let offset = 0;
  return ORDER.map(([name, kind]) => {
    const joint = { name, kind, offset, width: WIDTHS[kind] };
    offset += joint.width;
    return joint;
  });
}

/** Channels of a motion at one moment. */
export const MOTION_WIDTH = 101;

/** The root's displacement to the left and forward in a control frame of 1/30 s, and its height; metres. */
export const ROOT_DX = 6;
export const ROOT_HEIGHT = 7;
export const ROOT_DZ = 8;

/** The channels' names: `FemurR.row1.x`, `TibiaR.angle`, `Pelvis.dz`. */
export const CHANNEL_NAMES: readonly string[] = JOINTS.flatMap(({ name, kind }) =>
  CHANNELS[kind].map((channel) => `${name}.${channel}`),
);

/** Samples of a gait cycle, equally far apart in phase. */
export const SAMPLES_PER_CYCLE = 30;
/** Samples of a motion: two cycles. */
export const SAMPLES = 60;
/** Control frames a second, of which the root's displacement is. */
export const CONTROL_RATE_HZ = 30;
