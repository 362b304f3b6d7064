import { JOINTS, MOTION_WIDTH, ROOT_DX, ROOT_DZ, SAMPLES_PER_CYCLE } from "../motion/layout.ts";
import { type Body, bodyOf, type EndName, type LimbScales } from "./body.ts";
import { emptyStance, placeJoints, writePoint } from "./kinematics.ts";

/** Centimetres: x left, y up, z forward. */
export type Point = readonly [x: number, y: number, z: number];

/** A body at one moment: its joints and ends by name, the pelvis at z = 0. */
export type Figure = Readonly<Record<string, Point>>;

/** A gait cycle as pictures need it. */
export interface Cycle {
  readonly figures: readonly Figure[];
  /** Ground covered at each sample, and at the end of the cycle: 31 values, cm. */
  readonly travelled: readonly number[];
}

/** A line of the figure, through points by name. */
export interface Stroke {
  readonly part: "R" | "L" | "trunk";
  readonly points: readonly string[];
  /** Centimetres. */
  readonly width: number;
  /** Whether the line runs round something solid. */
  readonly solid?: true;
}

const limbs = (side: "R" | "L"): Stroke[] => [
  { part: side, points: [`Talus${side}`, `Heel${side}`, `FootThumb${side}`, `Talus${side}`], width: 4, solid: true },
  { part: side, points: [`FootThumb${side}`, `ThumbTip${side}`], width: 4 },
  { part: side, points: [`Tibia${side}`, `Talus${side}`], width: 6 },
  { part: side, points: [`Femur${side}`, `Tibia${side}`], width: 8.5 },
  { part: side, points: [`ForeArm${side}`, `Hand${side}`, `Finger${side}`], width: 4 },
  { part: side, points: [`Arm${side}`, `ForeArm${side}`], width: 5.5 },
];

/** From behind to the front for someone who sees the walker's right side. */
export const STROKES: readonly Stroke[] = [
  ...limbs("L"),
  { part: "trunk", points: ["Neck", "Face"], width: 7 },
  { part: "trunk", points: ["Face", "Crown"], width: 17 },
  { part: "trunk", points: ["FemurR", "Pelvis", "FemurL"], width: 9 },
  { part: "trunk", points: ["ArmR", "ShoulderR", "ShoulderL", "ArmL"], width: 6.5 },
  { part: "trunk", points: ["Pelvis", "Spine", "Torso", "Neck"], width: 11 },
  ...limbs("R"),
];

/** The first cycle of a motion `[≥ 30·101]` of a body, at `cadence` cycles a second. */
export function cycleOf(motion: Float32Array, scales: LimbScales, cadence: number): Cycle {
  const body = bodyOf(scales);
  const stance = emptyStance();
  const travelled = [0];
  const lateral = [0];
  const figures: Figure[] = [];
  for (let i = 0; i < SAMPLES_PER_CYCLE; i++) {
    const at = i * MOTION_WIDTH;
    placeJoints(body, motion, at, stance);
    figures.push(figureOf(body, stance, lateral[i]!));
    // Displacements are of control frames, of which 30/cadence make a cycle.
    travelled.push(travelled[i]! + (100 * motion[at + ROOT_DZ]!) / cadence);
    lateral.push(lateral[i]! + (100 * motion[at + ROOT_DX]!) / cadence);
  }
  return { figures, travelled };
}

function figureOf(body: Body, stance: ReturnType<typeof emptyStance>, x: number): Figure {
  const out = new Float64Array(3);
  const { positions } = stance;
  const named: Record<string, Point> = {};
  const put = (name: string, from: Float64Array, at: number): void => {
    named[name] = [100 * from[at]! + x, 100 * from[at + 1]!, 100 * from[at + 2]!];
  };
  for (const [j, { name }] of JOINTS.entries()) put(name, positions, 3 * j);
  for (const [name, point] of Object.entries(body.ends)) {
    writePoint(stance, point, out, 0);
    put(name as EndName, out, 0);
  }
  const [head, top] = [named["Head"]!, named["HeadTop"]!];
  const between = (share: number): Point => [
    head[0] + share * (top[0] - head[0]),
    head[1] + share * (top[1] - head[1]),
    head[2] + share * (top[2] - head[2]),
  ];
  return { ...named, Face: between(0.38), Crown: between(0.62) };
}
