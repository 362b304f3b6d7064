import type { Motions } from "./data/source.ts";
import {
  CONTROL_RATE_HZ,
  JOINTS,
  MOTION_WIDTH,
  type MotionJoint,
  ROOT_DZ,
  ROOT_HEIGHT,
  SAMPLES,
  SAMPLES_PER_CYCLE,
} from "./motion/layout.ts";
import { writeRotation } from "./motion/six-dof.ts";
import { channelWeights, PUBLISHED_LOSS } from "./weights.ts";

/** How far predicted cycles are from motions. */
export interface MotionErrors {
  readonly summary: Readonly<Record<string, number>>;
  /** Mean angle of each joint of `JOINTS`, degrees. */
  readonly byJoint: Float64Array;
  /** Mean angle over the joints of each motion, degrees. */
  readonly byMotion: Float64Array;
}

const LOWER_BODY = /^(Femur|Tibia|Talus|Foot)/;
const WEIGHTS = channelWeights(PUBLISHED_LOSS.weights);
const DEGREES = 180 / Math.PI;
/** Scratch for two rotations. */
const both = new Float64Array(18);

/** Compares cycles `[N, 30, 101]` with motions of two cycles each: every cycle is compared with both. */
export function compareMotions(cycles: Float32Array, { motions, count }: Motions): MotionErrors {
  const byJoint = new Float64Array(JOINTS.length);
  const byMotion = new Float64Array(count);
  let squares = 0;
  let weighted = 0;
  let speed = 0;
  let height = 0;
  for (let motion = 0; motion < count; motion++) {
    let forward = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const at = (motion * SAMPLES + sample) * MOTION_WIDTH;
      const from = (motion * SAMPLES_PER_CYCLE + (sample % SAMPLES_PER_CYCLE)) * MOTION_WIDTH;
      for (let k = 0; k < MOTION_WIDTH; k++) {
        const difference = cycles[from + k]! - motions[at + k]!;
        squares += difference ** 2;
        weighted += (WEIGHTS[k]! * difference) ** 2;
      }
      forward += cycles[from + ROOT_DZ]! - motions[at + ROOT_DZ]!;
      height += Math.abs(cycles[from + ROOT_HEIGHT]! - motions[at + ROOT_HEIGHT]!);
      for (const [j, joint] of JOINTS.entries()) {
        const angle = jointAngle(joint, cycles, from, motions, at) * DEGREES;
        byJoint[j]! += angle / (count * SAMPLES);
        byMotion[motion]! += angle / (JOINTS.length * SAMPLES);
      }
    }
    speed += Math.abs(forward / SAMPLES) * CONTROL_RATE_HZ;
  }
  const poses = count * SAMPLES;
  return {
    summary: {
      weighted_loss: (PUBLISHED_LOSS.scale * weighted) / (poses * MOTION_WIDTH),
      rmse: Math.sqrt(squares / (poses * MOTION_WIDTH)),
      joint_error_deg: mean([...byJoint]),
      joint_error_deg_lower_body: mean([...byJoint].filter((_, j) => LOWER_BODY.test(JOINTS[j]!.name))),
      forward_speed_error_m_per_s: speed / count,
      height_error_mm: (1000 * height) / poses,
    },
    byJoint,
    byMotion,
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Between two poses of a joint: of a ball joint and the root the geodesic angle of the rotations, rad. */
function jointAngle({ kind, offset }: MotionJoint, a: Float32Array, atA: number, b: Float32Array, atB: number): number {
  if (kind === "revolute") return Math.abs(a[atA + offset]! - b[atB + offset]!);
  writeRotation(a, atA + offset, both, 0);
  writeRotation(b, atB + offset, both, 9);
  let squared = 0;
  for (let i = 0; i < 9; i++) squared += (both[i]! - both[9 + i]!) ** 2;
  // ‖A − B‖² = 8·sin²(θ/2): exact for small angles, where the arc cosine of the trace is not.
  return 2 * Math.asin(Math.min(1, Math.sqrt(squared / 8)));
}
