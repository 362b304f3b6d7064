import { MUSCLES, SIDES } from "./muscles.ts";
import { type GaitParameter, isKnownGroup, type ParameterSpace, parameterSpace } from "./space.ts";

/** Limbs of the skeleton that have a length of their own, each on both sides. */
const LIMBS = ["Femur", "Tibia", "Arm", "ForeArm"];

/** The published range of the muscles' shortest lengths is 0.635 … 0.83. */
const SHORTEST = { 1: 0.83, 2: 0.7325, 3: 0.635 } as const;

let shipped: ParameterSpace | undefined;

/**
 * The description that comes with the task: 2 gait, 9 skeleton and 2 torsion parameters, 132 muscle lengths and 134
 * muscle forces, in the published order of groups with the published ranges. Ours, and not those of the published
 * environment, are the muscles' names and the shortest length of each: a muscle that crosses more joints can shorten
 * more, so those over one joint get the upper end of the published range, those over two its middle, those over more
 * its lower end.
 */
export function shippedParameters(): ParameterSpace {
  shipped ??= parameterSpace(
    describe().map((parameter) => ({ at: "shipped description", parameter })),
    "shipped description",
  );
  return shipped;
}

function describe(): GaitParameter[] {
  return [
    ratio("gait", "stride", 0.75, 1.25),
    ratio("gait", "cadence", 0.75, 1.25),
    ratio("skeleton", "global", 0.85, 1),
    ...bothSides(LIMBS, (limb, side) => ratio("skeleton", `${limb}${side}`, 0.9, 1)),
    ...bothSides(["Femur"], (bone, side) => ({ ...ratio("torsion", `${bone}${side}`, -0.55, 0.55), default: 0 })),
    ...bothSides(
      MUSCLES.filter(({ forceOnly }) => forceOnly !== true),
      ({ name, joints }, side) => ratio("muscle_length", `${name}_${side}`, SHORTEST[joints], 1),
    ),
    ...bothSides(MUSCLES, ({ name }, side) => ratio("muscle_force", `${name}_${side}`, 0.05, 1)),
  ];
}

const ratio = (group: string, name: string, min: number, max: number): GaitParameter => ({
  name: `${group}_${name}`,
  group,
  min,
  max,
  default: 1,
  known: isKnownGroup(group),
});

const bothSides = <T>(parts: readonly T[], parameter: (part: T, side: string) => GaitParameter): GaitParameter[] =>
  parts.flatMap((part) => SIDES.map((side) => parameter(part, side)));
