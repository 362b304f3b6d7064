import { describe, expect, test } from "vitest";
import { parseUrdf } from "../../../../../plugins/tasks/ik/robot/urdf.ts";

/** A two-link arm whose `<joint>` body starts on line 4. */
const arm = (joint: string, attributes = 'name="shoulder" type="revolute"'): string =>
  `<robot name="arm">
<link name="ground"/>
<link name="upper"/>
<joint ${attributes}>
${joint}
</joint>
</robot>`;
const ENDS = '<parent link="ground"/><child link="upper"/>';
const LIMIT = '<limit lower="-1" upper="2" velocity="3" effort="4"/>';

const codeAndMessage = (text: string, path = "arm.urdf"): string => {
  try {
    parseUrdf(text, path);
  } catch (error) {
    const { fault, message } = error as { fault: string; message: string };
    expect(fault).toBe("user");
    return message;
  }
  return "no error";
};

describe("a URDF that can be used", () => {
  test("gives its joints with limits, unit axes and origins", () => {
    const robot = parseUrdf(
      arm(`${ENDS}\n<origin xyz="1 2 3" rpy="0 0 1.5"/>\n<axis xyz="0 3 4"/>\n${LIMIT}`),
      "arm.urdf",
    );
    expect(robot).toMatchObject({ name: "arm", root: "ground", links: ["ground", "upper"] });
    expect(robot.joints).toEqual([
      {
        name: "shoulder",
        type: "revolute",
        parent: "ground",
        child: "upper",
        origin: { xyz: [1, 2, 3], rpy: [0, 0, 1.5] },
        axis: [0, 0.6, 0.8],
        limits: { lower: -1, upper: 2 },
        velocity: 3,
        effort: 4,
        mimic: undefined,
        line: 4,
      },
    ]);
  });

  test("may leave out what the format has defaults for", () => {
    const joint = parseUrdf(arm(`${ENDS}<limit upper="0.5"/>`), "arm.urdf").joints[0]!;
    expect(joint.axis).toEqual([1, 0, 0]);
    expect(joint.origin).toEqual({ xyz: [0, 0, 0], rpy: [0, 0, 0] });
    expect(joint.limits).toEqual({ lower: 0, upper: 0.5 });
    expect(joint.velocity).toBe(Number.POSITIVE_INFINITY);
  });

  test("may hold a byte order mark, comments, a namespace, and joints inside transmissions", () => {
    const text = `\uFEFF<?xml version="1.0"?>
<!-- expanded from <xacro:arm/> with \${prefix} -->
<robot name="arm" xmlns:xacro="http://ros.org/wiki/xacro">
<link name="ground"/>
<transmission name="t"><joint name="shoulder"/></transmission>
</robot>`;
    expect(parseUrdf(text, "arm.urdf")).toMatchObject({ root: "ground", joints: [] });
  });

  test("keeps a continuous joint's speed, and no ends", () => {
    const joint = parseUrdf(arm(`${ENDS}${LIMIT}`, 'name="wheel" type="continuous"'), "arm.urdf").joints[0]!;
    expect(joint.limits).toBeUndefined();
    expect(joint.velocity).toBe(3);
  });
});

describe("a URDF that cannot be used is refused with file and line", () => {
  const link = (...names: string[]) => names.map((name) => `<link name="${name}"/>`).join("");
  const fixed = (name: string, parent: string, child: string) =>
    `<joint name="${name}" type="fixed"><parent link="${parent}"/><child link="${child}"/></joint>`;

  test.each<[what: string, text: string, starts: string, holds: string]>([
    ["an unclosed element", "<robot>\n<link>\n</robot>", "arm.urdf:2: not well-formed XML", "link"],
    ["an attribute without quotes", "<robot>\n<link name=a/>\n</robot>", "arm.urdf:2: not well-formed XML", "quot"],
    ["text after the end", "<robot/>junk", "arm.urdf:1: not well-formed XML", "Extra content"],
    ["an empty file", "", "arm.urdf:1: not well-formed XML", "missing root element"],
    ["a file that is no XML", '{"a": 1}', "arm.urdf:1: not well-formed XML", "missing root element"],
    ["another kind of XML", "<sdf>\n</sdf>", "arm.urdf:1: the outermost element is <sdf>", "<robot>"],
    [
      "a xacro macro",
      '<robot>\n\n<xacro:arm prefix=""/>\n</robot>',
      "arm.urdf:3: this is a xacro file",
      "xacro arm.urdf >",
    ],
    [
      "a xacro value",
      `<robot>\n<link name="\${prefix}base"/>\n</robot>`,
      "arm.urdf:2: this is a xacro file",
      "Expand it",
    ],
    ["a robot without links", '<robot name="arm">\n</robot>', "arm.urdf:1: the robot has no links", "Add <link>"],
    ["a link without a name", "<robot>\n<link/>\n</robot>", "arm.urdf:2: a link has no name", "Add it"],
    ["a link twice", `<robot>\n${link("a")}\n${link("a")}\n</robot>`, 'arm.urdf:3: the link "a" is already', "line 2"],
    [
      "a joint twice",
      `<robot>\n${link("a", "b", "c")}\n${fixed("j", "a", "b")}\n${fixed("j", "b", "c")}\n</robot>`,
      'arm.urdf:4: the joint "j" is already',
      "line 3",
    ],
    [
      "two trees",
      `<robot>\n${link("a", "b")}\n</robot>`,
      "arm.urdf:1: the robot has 2 links without a parent",
      "(a, b)",
    ],
    [
      "a link with two parents",
      `<robot>\n${link("a", "b", "c")}\n${fixed("j", "a", "c")}\n${fixed("k", "b", "c")}\n</robot>`,
      'arm.urdf:4: joint "k" makes "c" a child',
      'joint "j" (line 3)',
    ],
    [
      "a loop",
      `<robot>\n${link("root", "a", "b")}\n${fixed("j", "a", "b")}\n${fixed("k", "b", "a")}\n</robot>`,
      "arm.urdf:4: the links",
      "b → a → b",
    ],
    [
      "a joint from a link to itself",
      `<robot>\n${link("a")}\n${fixed("j", "a", "a")}\n</robot>`,
      "arm.urdf:3: the links",
      "a → a",
    ],
    ["a joint without a type", arm(ENDS, 'name="j"'), 'arm.urdf:4: joint "j" has no type', "Add it"],
    [
      "an unknown joint type",
      arm(ENDS, 'name="j" type="revolut"'),
      'arm.urdf:4: joint "j" has the unknown type',
      'mean "revolute"',
    ],
    ["a joint without a child", arm('<parent link="ground"/>'), 'arm.urdf:4: joint "shoulder" has no <child', "Add it"],
    [
      "a parent that is no link",
      arm('<child link="upper"/>\n<parent link="grond"/>'),
      'arm.urdf:6: joint "shoulder" names the parent link "grond"',
      'Did you mean "ground"?',
    ],
    ["no limits", arm(ENDS), 'arm.urdf:4: the revolute joint "shoulder" has no limits', '"continuous"'],
    [
      "limits without ends",
      arm(`${ENDS}\n\n<limit velocity="1" effort="1"/>`, 'name="lift" type="prismatic"'),
      'arm.urdf:7: the prismatic joint "lift" has no limits',
      "lower",
    ],
    [
      "lower above upper",
      arm(`${ENDS}\n<limit lower="2" upper="-1"/>`),
      'arm.urdf:6: joint "shoulder" has lower="2"',
      'upper="-1"',
    ],
    [
      "a word for a number",
      arm(`${ENDS}\n<limit lower="low" upper="1"/>`),
      "arm.urdf:6: the limit of",
      'lower="low" must be a number',
    ],
    [
      "an infinite number",
      arm(`${ENDS}\n<limit lower="0" upper="1e999"/>`),
      "arm.urdf:6: the limit of",
      'upper="1e999"',
    ],
    ["two numbers for three", arm(`${ENDS}${LIMIT}\n<origin\n  xyz="1 2"/>`), "arm.urdf:7: the origin of", "3 numbers"],
    [
      "commas between numbers",
      arm(`${ENDS}${LIMIT}\n<axis xyz="0,0,1"/>`),
      "arm.urdf:6: the axis of",
      "separated by spaces",
    ],
    [
      "an axis of length zero",
      arm(`${ENDS}${LIMIT}\n<axis xyz="0 0 0"/>`),
      'arm.urdf:6: the axis of joint "shoulder"',
      "zero",
    ],
  ])("%s", (_, text, starts, holds) => {
    const message = codeAndMessage(text);
    expect(message.slice(0, starts.length)).toBe(starts);
    expect(message).toContain(holds);
    expect(message).toMatch(/ \[MF_URDF_[A-Z_]+\]$/);
  });
});
