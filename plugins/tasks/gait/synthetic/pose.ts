import { JOINTS, SAMPLES_PER_CYCLE } from "../motion/layout.ts";
import type { Side } from "../skeleton/body.ts";
import { COSINE, HIP_FLEXION, KNEE_LOADING, KNEE_SWING, PITCH, radians, SINE, STANCE, SWING, TOES } from "./curves.ts";
import type { LegTraits, Walk } from "./traits.ts";

/** The hip's angle about which a longer stride swings farther both ways. */
const HIP_MIDDLE = radians(10);
/** By which a leg leans sideways under the body while it carries. */
const SWAY = radians(1.5);

const channelOf = (joint: string): number => JOINTS.find(({ name }) => name === joint)!.offset;
const LIMBS = ["Femur", "Tibia", "Talus", "FootPinky", "FootThumb", "Shoulder", "Arm", "ForeArm", "Hand"] as const;
type LimbChannels = Readonly<Record<(typeof LIMBS)[number], number>>;
const channelsOf = (side: Side): LimbChannels =>
  Object.fromEntries(LIMBS.map((limb) => [limb, channelOf(limb + side)])) as LimbChannels;

/** First channels of the joints. */
const LIMB_AT = { R: channelsOf("R"), L: channelsOf("L") };
const PELVIS_AT = channelOf("Pelvis");
const SPINE_AT = channelOf("Spine");
const TORSO_AT = channelOf("Torso");
const NECK_AT = channelOf("Neck");
const HEAD_AT = channelOf("Head");

/** The pelvis in the world as one leg has it: tilted forward, higher on the other leg's side, and ahead on its own. */
interface Pelvis {
  readonly tilt: number;
  readonly obliquity: number;
  readonly turn: number;
}

/** Writes the rotations of a walk's sample (0 … 29): all of a pose but the root's translation. */
export function writePose(walk: Walk, sample: number, channels: Float64Array): void {
  const { R, L, pelvicTilt: tilt } = walk;
  const opposite = (sample + SAMPLES_PER_CYCLE / 2) % SAMPLES_PER_CYCLE;
  const obliquity = L.pelvicDrop * STANCE[opposite]! - R.pelvicDrop * STANCE[sample]!;
  const turn = walk.pelvicRotation * COSINE[sample]!;
  writeYzx(channels, PELVIS_AT, turn, obliquity, tilt);
  writeLeg(channels, "R", R, sample, { tilt, obliquity, turn });
  writeLeg(channels, "L", L, opposite, { tilt, obliquity: -obliquity, turn: -turn });
  const leanToLeft = walk.leftLean + L.lean * STANCE[opposite]! - R.lean * STANCE[sample]!;
  writeTrunk(channels, walk.forwardLean, leanToLeft, { tilt, obliquity, turn });
  writeArm(channels, "R", R, sample);
  writeArm(channels, "L", L, opposite);
}

/** `i` is the leg's own sample: 0 at its heel strike. */
function writeLeg(channels: Float64Array, side: Side, leg: LegTraits, i: number, pelvis: Pelvis): void {
  const at = LIMB_AT[side];
  const mirror = side === "R" ? 1 : -1;
  const swing = SWING[i]!;
  const hip =
    HIP_MIDDLE + leg.hipOffset + leg.hipGain * (HIP_FLEXION[i]! - HIP_MIDDLE) + (leg.lift - leg.hipDrop) * swing;
  const knee =
    leg.kneeOffset * (1 - 0.5 * swing) +
    leg.loadingGain * KNEE_LOADING[i]! +
    leg.swingGain * KNEE_SWING[i]! +
    2 * leg.lift * swing;
  // The foot's pitch and direction are given in the world, so that it is flat on the ground whatever hip and knee do.
  const pitch = leg.pushGain * PITCH[i]! + leg.pitchOffset + leg.pitchDrop * swing;
  const ankle = pitch + pelvis.tilt - hip + knee;
  const adduction = leg.adduction + SWAY * SINE[i]!;
  const rotation = leg.internalRotation - 0.8 * pelvis.turn;
  const toes = leg.toeGain * leg.pushGain * TOES[i]! + leg.toeOffset;
  writeXzy(channels, at.Femur, -hip, mirror * (adduction - pelvis.obliquity), mirror * rotation);
  channels[at.Tibia] = knee;
  writeXzy(channels, at.Talus, -ankle, mirror * (leg.inversion - adduction), 0);
  channels[at.FootPinky] = -toes;
  channels[at.FootThumb] = -toes;
}

/** Spine and torso share what brings the thorax from the pelvis to its lean; neck and head bring the gaze back. */
function writeTrunk(channels: Float64Array, forward: number, toLeft: number, pelvis: Pelvis): void {
  const turn = -0.8 * pelvis.turn;
  const y = (turn - pelvis.turn) / 2;
  const z = (-toLeft - pelvis.obliquity) / 2;
  const x = (forward - pelvis.tilt) / 2;
  writeYzx(channels, SPINE_AT, y, z, x);
  writeYzx(channels, TORSO_AT, y, z, x);
  writeYzx(channels, NECK_AT, -0.45 * turn, 0.4 * toLeft, -0.4 * forward);
  writeYzx(channels, HEAD_AT, -0.45 * turn, 0.4 * toLeft, -0.4 * forward);
}

/** Arms hang, and swing against the leg of their side. */
function writeArm(channels: Float64Array, side: Side, leg: LegTraits, i: number): void {
  const at = LIMB_AT[side];
  const mirror = side === "R" ? 1 : -1;
  const forward = -leg.armSwing * COSINE[i]!;
  writeYzx(channels, at.Shoulder, mirror * 0.2 * forward, 0, 0);
  writeXzy(channels, at.Arm, -forward, mirror * (Math.PI / 2 - leg.armAbduction), 0);
  channels[at.ForeArm] = mirror * (radians(22) + 0.4 * (forward + leg.armSwing));
  writeXzy(channels, at.Hand, 0, 0, mirror * radians(8));
}

/** The first two rows of Ry(y)·Rz(z)·Rx(x). */
function writeYzx(out: Float64Array, at: number, y: number, z: number, x: number): void {
  const [cy, sy] = [Math.cos(y), Math.sin(y)];
  const [cz, sz] = [Math.cos(z), Math.sin(z)];
  const [cx, sx] = [Math.cos(x), Math.sin(x)];
  out[at] = cy * cz;
  out[at + 1] = sy * sx - cy * sz * cx;
  out[at + 2] = sy * cx + cy * sz * sx;
  out[at + 3] = sz;
  out[at + 4] = cz * cx;
  out[at + 5] = -cz * sx;
}

/** The first two rows of Rx(x)·Rz(z)·Ry(y). */
function writeXzy(out: Float64Array, at: number, x: number, z: number, y: number): void {
  const [cx, sx] = [Math.cos(x), Math.sin(x)];
  const [cz, sz] = [Math.cos(z), Math.sin(z)];
  const [cy, sy] = [Math.cos(y), Math.sin(y)];
  out[at] = cz * cy;
  out[at + 1] = -sz;
  out[at + 2] = cz * sy;
  out[at + 3] = cx * sz * cy + sx * sy;
  out[at + 4] = cx * cz;
  out[at + 5] = cx * sz * sy - sx * cy;
}
