import { errors } from "../../../../core/errors.ts";
import { robotErrors } from "./errors.ts";
import { matrixFromRpy, type Vector3 } from "./rotation.ts";
import { compose, identity, type Transform, transform, transposed, zOnto } from "./transform.ts";
import type { JointDescription, RobotDescription } from "./urdf.ts";

/** A joint that moves, with the fixed joints before it folded into its origin. */
export interface ChainJoint {
  readonly name: string;
  readonly type: "revolute" | "continuous" | "prismatic";
  /** Unit length, in the joint's own frame. */
  readonly axis: Vector3;
  /** Of the joint's frame at value zero in the frame of the joint before. */
  readonly origin: Transform;
  /** Radians or metres. A continuous joint has no ends; here it spans [−π, π]. */
  readonly lower: number;
  readonly upper: number;
  /** Values a full turn apart are the same place, and the shortest way between two may cross ±π. */
  readonly continuous: boolean;
  /** Per second; Infinity when unknown. */
  readonly velocity: number;
}

/** The joints between two links of a robot, in order, and what kinematics needs of them. */
export interface Chain {
  readonly description: RobotDescription;
  readonly base: string;
  readonly tip: string;
  readonly joints: readonly ChainJoint[];
  /** Of the tip in the last joint's frame. */
  readonly tipOffset: Transform;
  /**
   * The same chain with every joint axis turned onto z: pose = F₀·Z(q₀)·F₁·Z(q₁)·…·Fₙ, where Z turns about (or, for a
   * prismatic joint, slides along) z. The n + 1 constant transforms, twelve numbers each.
   */
  readonly aligned: Float64Array;
}

/**
 * The serial chain from `base` (by default the root) to `tip` (by default the only leaf that joints move).
 * Throws MF_CHAIN_… when that is ambiguous, when no joint lies between, or when one of them is no single-axis joint.
 */
export function serialChain(description: RobotDescription, ends: { base?: string; tip?: string } = {}): Chain {
  const robot = description.name;
  const base = ends.base ?? description.root;
  const tip = ends.tip ?? onlyTip(description, base);
  const chain = chainBetween(description, base, tip);
  if (chain.joints.length === 0) throw robotErrors.MF_CHAIN_RIGID({ robot, base, tip });
  return chain;
}

/** As `serialChain`, but two links that no joint moves apart make a chain without joints. */
export function chainBetween(description: RobotDescription, base: string, tip: string): Chain {
  const joints: ChainJoint[] = [];
  let fixed = identity();
  for (const joint of path(description, base, tip)) {
    const origin = compose(fixed, transform(matrixFromRpy(joint.origin.rpy), joint.origin.xyz));
    if (joint.type === "fixed") {
      fixed = origin;
    } else {
      joints.push(chainJoint(description, joint, origin));
      fixed = identity();
    }
  }
  return { description, base, tip, joints, tipOffset: fixed, aligned: align(joints, fixed) };
}

function chainJoint(description: RobotDescription, joint: JointDescription, origin: Transform): ChainJoint {
  const refuse = (problem: string) =>
    robotErrors.MF_CHAIN_JOINT({ at: `${description.path}:${joint.line}`, joint: joint.name, problem });
  const { name, type, axis, velocity } = joint;
  if (joint.mimic !== undefined) throw refuse(`copies the joint "${joint.mimic}"`);
  if (type === "fixed" || type === "floating" || type === "planar") throw refuse(`is ${type}`);
  const { lower, upper } = joint.limits ?? { lower: -Math.PI, upper: Math.PI };
  return { name, type, axis, origin, lower, upper, continuous: type === "continuous", velocity };
}

/** The joints from `base` down to `tip`. */
function path(description: RobotDescription, base: string, tip: string): JointDescription[] {
  const { name: robot, links } = description;
  for (const link of [base, tip]) {
    if (!links.includes(link)) throw errors.MF_UNKNOWN({ kind: `link of robot "${robot}"`, name: link, known: links });
  }
  const above = new Map(description.joints.map((joint) => [joint.child, joint]));
  const joints: JointDescription[] = [];
  for (let link = tip; link !== base; ) {
    const joint = above.get(link);
    if (joint === undefined) throw robotErrors.MF_CHAIN_NO_PATH({ robot, base, tip });
    joints.unshift(joint);
    link = joint.parent;
  }
  return joints;
}

function onlyTip(description: RobotDescription, base: string): string {
  const robot = description.name;
  const below = (link: string, moved: boolean): string[] => {
    const joints = description.joints.filter((joint) => joint.parent === link);
    if (joints.length === 0) return moved ? [link] : [];
    return joints.flatMap((joint) => below(joint.child, moved || joint.type !== "fixed"));
  };
  const leaves = below(base, false);
  if (leaves.length > 1) throw robotErrors.MF_CHAIN_AMBIGUOUS({ robot, base, leaves });
  return leaves[0] ?? base;
}

function align(joints: readonly ChainJoint[], tipOffset: Transform): Float64Array {
  const aligned = new Float64Array((joints.length + 1) * 12);
  let back = identity();
  joints.forEach((joint, i) => {
    const turn = zOnto(joint.axis);
    aligned.set(compose(compose(back, joint.origin), turn), i * 12);
    back = transposed(turn);
  });
  aligned.set(compose(back, tipOffset), joints.length * 12);
  return aligned;
}
