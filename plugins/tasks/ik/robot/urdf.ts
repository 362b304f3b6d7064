import { DOMParser, type Element, Node } from "@xmldom/xmldom";
import { didYouMean } from "../../../../core/errors.ts";
import { robotErrors } from "./errors.ts";
import type { Vector3 } from "./rotation.ts";

const JOINT_TYPES = ["revolute", "continuous", "prismatic", "fixed", "floating", "planar"] as const;
export type JointType = (typeof JOINT_TYPES)[number];

/** One `<joint>`. Lengths in metres, angles in radians; `line` is where the file defines it. */
export interface JointDescription {
  readonly name: string;
  readonly type: JointType;
  readonly parent: string;
  readonly child: string;
  /** Of the child's frame in the parent's, at joint value zero: translation, and fixed-axis roll, pitch, yaw. */
  readonly origin: { readonly xyz: Vector3; readonly rpy: Vector3 };
  /** Unit length, in the child's frame. */
  readonly axis: Vector3;
  /** Of revolute and prismatic joints only: a continuous joint has no ends. */
  readonly limits: { readonly lower: number; readonly upper: number } | undefined;
  /** Per second. Infinity when the file gives none. */
  readonly velocity: number;
  /** N·m or N. Infinity when the file gives none. */
  readonly effort: number;
  /** The joint this one copies. */
  readonly mimic: string | undefined;
  readonly line: number;
}

/** What a URDF says about kinematics: a tree of links. Masses, shapes, meshes and transmissions are not read. */
export interface RobotDescription {
  readonly name: string;
  readonly path: string;
  readonly root: string;
  readonly links: readonly string[];
  readonly joints: readonly JointDescription[];
}

/** Reads URDF text; `path` is only for messages. Throws MF_URDF_… with file and line for what is wrong in it. */
export function parseUrdf(text: string, path: string): RobotDescription {
  const robot = parseXml(text.replace(/^\uFEFF/, ""), path);
  const read = reader(path);
  const links = unique(childElements(robot, "link"), "link", read);
  const joints = unique(childElements(robot, "joint"), "joint", read);
  const described = [...joints].map(([name, element]) => describeJoint(name, element, links, read));
  return {
    name: robot.getAttribute("name") ?? path,
    path,
    root: rootOf([...links.keys()], described, read, robot),
    links: [...links.keys()],
    joints: described,
  };
}

function parseXml(text: string, path: string): Element {
  // Blanked, not removed: lines stay where they are.
  const bare = text.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, " "));
  const macro = /<xacro:|=\s*["'][^"'<>]*\$\{/.exec(bare);
  if (macro !== null) {
    throw robotErrors.MF_URDF_XACRO({ at: `${path}:${bare.slice(0, macro.index).split("\n").length}`, path });
  }
  let reported: { problem: string; line: number } | undefined;
  const locatedAt = (line: number | undefined): string => `${path}:${Math.max(1, line ?? 1)}`;
  try {
    const document = new DOMParser({
      onError: (_level, problem, context) => {
        reported ??= { problem, line: context?.locator?.lineNumber };
      },
    }).parseFromString(text, "text/xml");
    if (reported === undefined && document.documentElement !== null) {
      const root = document.documentElement;
      if (root.tagName === "robot") return root;
      throw robotErrors.MF_URDF_NOT_ROBOT({ at: locatedAt(root.lineNumber), element: root.tagName });
    }
  } catch (error) {
    if (reported === undefined) throw error;
  }
  throw robotErrors.MF_URDF_XML({
    at: locatedAt(reported?.line),
    problem: (reported?.problem ?? "it is empty").replace(/[.!]+$/, ""),
  });
}

interface Reader {
  at(node: { lineNumber?: number }): string;
  line(node: { lineNumber?: number }): number;
  text(element: Element, attribute: string, where: string): string;
  number(element: Element, attribute: string, where: string): number | undefined;
  vector(element: Element | undefined, attribute: string, where: string): Vector3 | undefined;
}

function reader(path: string): Reader {
  const line = (node: { lineNumber?: number }): number => node.lineNumber ?? 1;
  const at = (node: { lineNumber?: number }): string => `${path}:${line(node)}`;
  const numbers = (element: Element, attribute: string, where: string, count: number): number[] | undefined => {
    const node = element.getAttributeNode(attribute);
    if (node === null) return undefined;
    const words = node.value.trim().split(/\s+/);
    const values = words.map((word) => (/^[-+.\deE]+$/.test(word) ? Number(word) : Number.NaN));
    if (values.length !== count || !values.every(Number.isFinite)) {
      throw robotErrors.MF_URDF_NUMBER({ at: at(node), where, attribute, value: node.value, count });
    }
    return values;
  };
  return {
    at,
    line,
    text(element, attribute, where) {
      const value = element.getAttribute(attribute)?.trim();
      if (!value) throw robotErrors.MF_URDF_MISSING({ at: at(element), where, what: `${attribute}="…"` });
      return value;
    },
    number: (element, attribute, where) => numbers(element, attribute, where, 1)?.[0],
    vector: (element, attribute, where) =>
      element && (numbers(element, attribute, where, 3) as [number, number, number] | undefined),
  };
}

function describeJoint(
  name: string,
  element: Element,
  links: ReadonlyMap<string, Element>,
  read: Reader,
): JointDescription {
  const where = `joint "${name}"`;
  const type = read.text(element, "type", where) as JointType;
  if (!JOINT_TYPES.includes(type)) {
    const near = didYouMean(type, JOINT_TYPES);
    throw robotErrors.MF_URDF_JOINT_TYPE({ at: read.at(element), joint: name, type, known: JOINT_TYPES, near });
  }
  const endpoint = (role: "parent" | "child"): string => {
    const [end] = childElements(element, role);
    if (end === undefined)
      throw robotErrors.MF_URDF_MISSING({ at: read.at(element), where, what: `<${role} link="…"/>` });
    const link = read.text(end, "link", `the ${role} of ${where}`);
    if (!links.has(link)) {
      const near = didYouMean(link, links.keys());
      throw robotErrors.MF_URDF_LINK_UNKNOWN({ at: read.at(end), joint: name, role, link, near });
    }
    return link;
  };
  const [origin] = childElements(element, "origin");
  const [limit] = childElements(element, "limit");
  const [mimic] = childElements(element, "mimic");
  return {
    name,
    type,
    parent: endpoint("parent"),
    child: endpoint("child"),
    origin: {
      xyz: read.vector(origin, "xyz", `the origin of ${where}`) ?? [0, 0, 0],
      rpy: read.vector(origin, "rpy", `the origin of ${where}`) ?? [0, 0, 0],
    },
    axis: axisOf(name, type, element, read),
    limits: limitsOf(name, type, element, read),
    velocity: (limit && read.number(limit, "velocity", `the limit of ${where}`)) ?? Number.POSITIVE_INFINITY,
    effort: (limit && read.number(limit, "effort", `the limit of ${where}`)) ?? Number.POSITIVE_INFINITY,
    mimic: mimic && read.text(mimic, "joint", `the mimic of ${where}`),
    line: read.line(element),
  };
}

function axisOf(joint: string, type: JointType, element: Element, read: Reader): Vector3 {
  const [axis] = childElements(element, "axis");
  // The format's default.
  const [x, y, z] = read.vector(axis, "xyz", `the axis of joint "${joint}"`) ?? [1, 0, 0];
  if (type === "fixed" || type === "floating") return [1, 0, 0];
  const length = Math.hypot(x, y, z);
  if (length < 1e-9) throw robotErrors.MF_URDF_AXIS({ at: read.at(axis ?? element), joint });
  return [x / length, y / length, z / length];
}

function limitsOf(joint: string, type: JointType, element: Element, read: Reader): JointDescription["limits"] {
  if (type !== "revolute" && type !== "prismatic") return undefined;
  const [limit] = childElements(element, "limit");
  const lower = limit && read.number(limit, "lower", `the limit of joint "${joint}"`);
  const upper = limit && read.number(limit, "upper", `the limit of joint "${joint}"`);
  if (limit === undefined || (lower === undefined && upper === undefined)) {
    throw robotErrors.MF_URDF_LIMIT_MISSING({ at: read.at(limit ?? element), joint, type });
  }
  // The format's default for the one that is left out.
  const limits = { lower: lower ?? 0, upper: upper ?? 0 };
  if (limits.lower > limits.upper) throw robotErrors.MF_URDF_LIMIT_ORDER({ at: read.at(limit), joint, ...limits });
  return limits;
}

/** Checks that the joints make one tree of the links, and finds its root. */
function rootOf(links: readonly string[], joints: readonly JointDescription[], read: Reader, robot: Element): string {
  const at = (joint: JointDescription): string => read.at({ lineNumber: joint.line });
  const above = new Map<string, JointDescription>();
  for (const joint of joints) {
    const first = above.get(joint.child);
    if (first !== undefined) {
      const detail = { link: joint.child, joint: joint.name, first: first.name, firstLine: first.line };
      throw robotErrors.MF_URDF_TWO_PARENTS({ at: at(joint), ...detail });
    }
    above.set(joint.child, joint);
  }
  for (const joint of joints) {
    const seen = [joint.child];
    for (let up: JointDescription | undefined = joint; up !== undefined; up = above.get(up.parent)) {
      const start = seen.indexOf(up.parent);
      if (start >= 0) {
        throw robotErrors.MF_URDF_LOOP({ at: at(up), links: [...seen.slice(start), up.parent].reverse() });
      }
      seen.push(up.parent);
    }
  }
  const roots = links.filter((link) => !above.has(link));
  if (roots.length !== 1) throw robotErrors.MF_URDF_ROOTS({ at: read.at(robot), roots });
  return roots[0]!;
}

function childElements(parent: Element, tag: string): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === Node.ELEMENT_NODE && node.nodeName === tag) found.push(node as Element);
  }
  return found;
}

function unique(elements: readonly Element[], kind: string, read: Reader): Map<string, Element> {
  const byName = new Map<string, Element>();
  for (const element of elements) {
    const name = read.text(element, "name", `a ${kind}`);
    const first = byName.get(name);
    if (first !== undefined) {
      throw robotErrors.MF_URDF_DUPLICATE({ at: read.at(element), kind, name, firstLine: read.line(first) });
    }
    byName.set(name, element);
  }
  return byName;
}
