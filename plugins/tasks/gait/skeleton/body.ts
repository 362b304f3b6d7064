import { JOINTS } from "../motion/layout.ts";
import type { ParameterSpace } from "../parameters/space.ts";

export type Side = "R" | "L";

/** What the skeleton parameters scale: the whole body, and a limb beyond it. */
export type LimbScales = Readonly<Record<"global" | `${"Femur" | "Tibia" | "Arm" | "ForeArm"}${Side}`, number>>;

const SCALED = ["global", "FemurR", "FemurL", "TibiaR", "TibiaL", "ArmR", "ArmL", "ForeArmR", "ForeArmL"] as const;

/** A point of the body: in the frame of joint `joint` (−1: the root's own), at `x`, `y`, `z` metres. */
export interface BodyPoint {
  readonly joint: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** A skeleton of rigid segments: where joints sit in the frame of their parent, and the points at its ends. */
export interface Body {
  /** By joint, in the order of `JOINTS`; the root's is the origin. */
  readonly joints: readonly BodyPoint[];
  readonly ends: Readonly<Record<EndName, BodyPoint>>;
}

type FootEnd = "Heel" | "ThumbBase" | "PinkyBase" | "ThumbTip" | "PinkyTip";
export type EndName = "HeadTop" | `${FootEnd | "Finger"}${Side}`;

/** Metres. Segment lengths follow as shares of it. */
const STATURE = 1.7;

type Place = readonly [name: string, parent: string, x: number, y: number, z: number, scaledBy?: Scaled];
type Scaled = keyof LimbScales | undefined;

/**
 * Places as shares of stature, axes x left, y up, z forward, in the pose of zero rotations: upright, arms stretched
 * out sideways. Lengths of limbs and heights are those of Drillis & Contini 1966 (Winter 2009, fig. 4.1).
 */
const TRUNK: readonly Place[] = [
  ["Spine", "Pelvis", 0, 0.035, -0.012],
  ["Torso", "Spine", 0, 0.08, -0.004],
  ["Neck", "Torso", 0, 0.14, -0.002],
  ["Head", "Neck", 0, 0.045, 0.01],
  ["HeadTop", "Head", 0, 0.125, 0],
];

/** Of the left side; the right is its mirror image. */
const LIMBS: readonly Place[] = [
  ["Femur", "Pelvis", 0.05, -0.045, 0],
  ["Tibia", "Femur", 0, -0.245, 0, "FemurL"],
  ["Talus", "Tibia", 0, -0.246, 0, "TibiaL"],
  ["FootPinky", "Talus", 0.022, -0.033, 0.064],
  ["FootThumb", "Talus", -0.01, -0.033, 0.074],
  ["Heel", "Talus", 0, -0.039, -0.032],
  ["PinkyBase", "FootPinky", 0, -0.006, 0],
  ["ThumbBase", "FootThumb", 0, -0.006, 0],
  ["PinkyTip", "FootPinky", 0.004, -0.006, 0.036],
  ["ThumbTip", "FootThumb", 0, -0.006, 0.044],
  ["Shoulder", "Torso", 0.015, 0.118, 0.006],
  ["Arm", "Shoulder", 0.114, 0.01, -0.01],
  ["ForeArm", "Arm", 0.186, 0, 0, "ArmL"],
  ["Hand", "ForeArm", 0.146, 0, 0, "ForeArmL"],
  ["Finger", "Hand", 0.09, 0, 0],
];

const PLACES: readonly Place[] = [
  ["Pelvis", "", 0, 0, 0],
  ...TRUNK,
  ...LIMBS.map((place) => onSide(place, "R")),
  ...LIMBS.map((place) => onSide(place, "L")),
];

function onSide([name, parent, x, y, z, scaledBy]: Place, side: Side): Place {
  const own = parent === "Pelvis" || parent === "Torso" ? parent : `${parent}${side}`;
  const scale = scaledBy?.replace(/L$/, side) as Scaled;
  return [`${name}${side}`, own, side === "R" ? -x : x, y, z, scale];
}

const indexOfJoint = (name: string): number => JOINTS.findIndex((joint) => joint.name === name);

type ScaledPoint = BodyPoint & { readonly scaledBy: Scaled };

const scaledPoint = ([, parent, x, y, z, scaledBy]: Place): ScaledPoint => ({
  joint: indexOfJoint(parent),
  x: x * STATURE,
  y: y * STATURE,
  z: z * STATURE,
  scaledBy,
});

const JOINT_POINTS = JOINTS.map(({ name }) => scaledPoint(PLACES.find(([own]) => own === name)!));
const END_POINTS = PLACES.filter(([name]) => indexOfJoint(name) < 0).map(
  (place) => [place[0] as EndName, scaledPoint(place)] as const,
);

/** Each joint's parent, as an index into `JOINTS`; the root's is −1. Parents come before their children. */
export const PARENTS: readonly number[] = JOINT_POINTS.map(({ joint }) => joint);

/** A body of 1.70 m stature at scale 1. */
export function bodyOf(scales: LimbScales): Body {
  const sized = ({ joint, x, y, z, scaledBy }: ScaledPoint): BodyPoint => {
    const size = scales.global * (scaledBy === undefined ? 1 : scales[scaledBy]);
    return { joint, x: x * size, y: y * size, z: z * size };
  };
  return {
    joints: JOINT_POINTS.map(sized),
    ends: Object.fromEntries(END_POINTS.map(([name, point]) => [name, sized(point)])) as Body["ends"],
  };
}

/**
 * Reads the scales from a row of raw parameters that starts at `at`; 1 for those that the description does not have.
 */
export function limbScales({ parameters }: ParameterSpace): (params: ArrayLike<number>, at: number) => LimbScales {
  const indices = SCALED.map(
    (name) => [name, parameters.findIndex((parameter) => parameter.name === `skeleton_${name}`)] as const,
  );
  return (params, at) =>
    Object.fromEntries(indices.map(([name, i]) => [name, i < 0 ? 1 : params[at + i]!])) as LimbScales;
}
