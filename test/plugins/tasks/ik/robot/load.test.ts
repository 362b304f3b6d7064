import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadRobot, robotNames } from "../../../../../plugins/tasks/ik/robot/load.ts";

const folder = mkdtempSync(join(tmpdir(), "mf-robot-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("built-in robots load by name, with their usual tip", () => {
  expect(robotNames).toEqual(["panda", "ur10", "ur10e"]);
  const summary = robotNames.map((name) => {
    const { chain } = loadRobot(name);
    return [chain.base, chain.tip, chain.joints.length, chain.joints.some((joint) => joint.continuous)];
  });
  expect(summary).toEqual([
    ["panda_link0", "panda_hand", 7, false],
    ["base_link", "tool0", 6, false],
    ["base_link", "tool0", 6, false],
  ]);
});

test("Panda and UR10 have the makers' limits", () => {
  const limits = (name: string) =>
    loadRobot(name).chain.joints.map(({ lower, upper, velocity }) => [lower, upper, velocity]);
  expect(limits("panda")[3]).toEqual([-3.0718, -0.0698, 2.175]);
  expect(limits("panda")[5]).toEqual([-0.0175, 3.7525, 2.61]);
  const deg = Math.PI / 180;
  expect(limits("ur10")[0]).toEqual([-360 * deg, 360 * deg, 120 * deg].map((value) => expect.closeTo(value, 12)));
  expect(limits("ur10")[2]).toEqual([-180 * deg, 180 * deg, 180 * deg].map((value) => expect.closeTo(value, 12)));
});

test("another base or tip may be named", () => {
  expect(loadRobot("panda", { tip: "panda_hand_tcp" }).chain.tip).toBe("panda_hand_tcp");
  expect(loadRobot("panda", { base: "panda_link3" }).chain.joints).toHaveLength(4);
});

test("an unknown name suggests the nearest robot, or lists them", () => {
  expect(() => loadRobot("pandda")).toThrow('Unknown robot "pandda". Did you mean "panda"?');
  expect(() => loadRobot("toString")).toThrow("Known: panda, ur10, ur10e, <path>.urdf.");
});

test("a URDF file loads by path; one that is missing or broken is named", () => {
  const path = join(folder, "one.urdf");
  writeFileSync(
    path,
    `<robot name="one"><link name="a"/><link name="b"/>
<joint name="j" type="continuous"><parent link="a"/><child link="b"/></joint></robot>`,
  );
  expect(loadRobot(path).chain).toMatchObject({ base: "a", tip: "b" });
  expect(() => loadRobot(join(folder, "two.urdf"))).toThrow(`Robot file "${join(folder, "two.urdf")}" does not exist.`);
  writeFileSync(path, "<robot>\n<link>\n</robot>");
  expect(() => loadRobot(path)).toThrow(`${path}:2: not well-formed XML`);
  expect(() => loadRobot(`${folder}/`)).toThrow("cannot be read");
});
