import { defineErrors, user } from "../../../../core/errors.ts";

/** What can be wrong with a robot file or with a question about a robot. `at` is `file:line`. */
export const robotErrors = defineErrors({
  MF_URDF_XML: user(
    (d: { at: string; problem: string }) => `${d.at}: not well-formed XML: ${d.problem}. Correct the file.`,
  ),
  MF_URDF_XACRO: user(
    (d: { at: string; path: string }) =>
      `${d.at}: this is a xacro file, not a URDF. Expand it first: xacro ${d.path} > robot.urdf`,
  ),
  MF_URDF_NOT_ROBOT: user(
    (d: { at: string; element: string }) =>
      `${d.at}: the outermost element is <${d.element}>, but a URDF starts with <robot>. Give a URDF file.`,
  ),
  MF_URDF_MISSING: user(
    (d: { at: string; where: string; what: string }) => `${d.at}: ${d.where} has no ${d.what}. Add it.`,
  ),
  MF_URDF_NUMBER: user(
    (d: { at: string; where: string; attribute: string; value: string; count: number }) =>
      `${d.at}: ${d.where}: ${d.attribute}="${d.value}" must be ${d.count === 1 ? "a number" : `${d.count} numbers separated by spaces`}.`,
  ),
  MF_URDF_DUPLICATE: user(
    (d: { at: string; kind: string; name: string; firstLine: number }) =>
      `${d.at}: the ${d.kind} "${d.name}" is already defined on line ${d.firstLine}. Rename or remove one.`,
  ),
  MF_URDF_LINK_UNKNOWN: user(
    (d: { at: string; joint: string; role: "parent" | "child"; link: string; near: string | undefined }) =>
      `${d.at}: joint "${d.joint}" names the ${d.role} link "${d.link}", which the file does not define.${
        d.near === undefined ? " Add the link, or correct the name." : ` Did you mean "${d.near}"?`
      }`,
  ),
  MF_URDF_TWO_PARENTS: user(
    (d: { at: string; link: string; joint: string; first: string; firstLine: number }) =>
      `${d.at}: joint "${d.joint}" makes "${d.link}" a child, but it already is the child of joint "${d.first}" (line ${d.firstLine}). A link has one parent; a URDF cannot describe a closed loop.`,
  ),
  MF_URDF_LOOP: user(
    (d: { at: string; links: readonly string[] }) =>
      `${d.at}: the links ${d.links.join(" → ")} form a loop. A URDF is a tree: remove one of these joints.`,
  ),
  MF_URDF_ROOTS: user((d: { at: string; roots: readonly string[] }) =>
    d.roots.length === 0
      ? `${d.at}: the robot has no links. Add <link> elements.`
      : `${d.at}: the robot has ${d.roots.length} links without a parent (${d.roots.join(", ")}), so it is not one tree. Join them, or remove what does not belong to the robot.`,
  ),
  MF_URDF_JOINT_TYPE: user(
    (d: { at: string; joint: string; type: string; known: readonly string[]; near: string | undefined }) =>
      `${d.at}: joint "${d.joint}" has the unknown type "${d.type}".${
        d.near === undefined ? ` Known: ${d.known.join(", ")}.` : ` Did you mean "${d.near}"?`
      }`,
  ),
  MF_URDF_AXIS: user(
    (d: { at: string; joint: string }) =>
      `${d.at}: the axis of joint "${d.joint}" has length zero. Give a direction, for example xyz="0 0 1".`,
  ),
  MF_URDF_LIMIT_MISSING: user(
    (d: { at: string; joint: string; type: string }) =>
      `${d.at}: the ${d.type} joint "${d.joint}" has no limits. Add <limit lower="…" upper="…" …/>${
        d.type === "revolute" ? ', or make its type "continuous"' : ""
      }.`,
  ),
  MF_URDF_LIMIT_ORDER: user(
    (d: { at: string; joint: string; lower: number; upper: number }) =>
      `${d.at}: joint "${d.joint}" has lower="${d.lower}" above upper="${d.upper}". Exchange them.`,
  ),

  MF_CHAIN_AMBIGUOUS: user(
    (d: { robot: string; base: string; leaves: readonly string[] }) =>
      `Robot "${d.robot}" has ${d.leaves.length} ends that "${d.base}" can move: ${d.leaves.join(", ")}. Name one as tip.`,
  ),
  MF_CHAIN_NO_PATH: user(
    (d: { robot: string; base: string; tip: string }) =>
      `Robot "${d.robot}": the link "${d.tip}" does not descend from "${d.base}". Name a base that is nearer to the root.`,
  ),
  MF_CHAIN_RIGID: user(
    (d: { robot: string; base: string; tip: string }) =>
      `Robot "${d.robot}": no joint moves "${d.tip}" relative to "${d.base}". Name another base or tip.`,
  ),
  MF_CHAIN_JOINT: user(
    (d: { at: string; joint: string; problem: string }) =>
      `${d.at}: joint "${d.joint}" ${d.problem}, which a serial chain cannot hold. Use revolute, continuous, prismatic and fixed joints, or choose a base or tip that leaves it out.`,
  ),
  MF_CHAIN_LINK: user(
    (d: { robot: string; link: string; base: string; tip: string }) =>
      `Robot "${d.robot}": the joints from "${d.base}" to "${d.tip}" do not place the link "${d.link}". Ask for a link on the way, or fixed to it.`,
  ),
  MF_CHAIN_SIZE: user(
    (d: { robot: string; what: string; expected: string; received: number }) =>
      `Robot "${d.robot}": ${d.what} must hold ${d.expected}, not ${d.received}.`,
  ),
});
