import { describe, expect, test } from "vitest";
import { serialChain } from "../../../../../plugins/tasks/ik/robot/chain.ts";
import { parseUrdf } from "../../../../../plugins/tasks/ik/robot/urdf.ts";

/** ground –turn→ post –(fixed 1 m up)→ rail –slide→ cart, with a camera fixed to the ground and a spinner on the post. */
const CRANE = `<robot name="crane">
<link name="ground"/><link name="camera"/><link name="post"/><link name="rail"/><link name="cart"/><link name="spinner"/>
<joint name="eye" type="fixed"><parent link="ground"/><child link="camera"/></joint>
<joint name="turn" type="continuous"><parent link="ground"/><child link="post"/><axis xyz="0 0 1"/></joint>
<joint name="up" type="fixed"><parent link="post"/><child link="rail"/><origin xyz="0 0 1"/></joint>
<joint name="slide" type="prismatic"><parent link="rail"/><child link="cart"/><axis xyz="1 0 0"/>
  <limit lower="0" upper="2" velocity="0.5" effort="1"/></joint>
<joint name="spin" type="TYPE"><parent link="post"/><child link="spinner"/>
  <limit lower="-1" upper="1"/></joint>
</robot>`;
const crane = (type = "revolute", text = CRANE) => parseUrdf(text.replace("TYPE", type), "crane.urdf");

describe("serialChain", () => {
  test("holds the moving joints from base to tip, with fixed joints folded into their origins", () => {
    const chain = serialChain(crane(), { tip: "cart" });
    expect(chain.joints).toMatchObject([
      { name: "turn", type: "continuous", continuous: true, lower: -Math.PI, upper: Math.PI },
      { name: "slide", type: "prismatic", continuous: false, lower: 0, upper: 2, velocity: 0.5 },
    ]);
    expect([...chain.joints[1]!.origin]).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
    expect(chain.base).toBe("ground");
  });

  test("finds the tip when joints move one leaf only", () => {
    expect(serialChain(crane(), { base: "rail" }).tip).toBe("cart");
  });

  test("asks for a tip when there are several, and does not offer links that nothing moves", () => {
    expect(() => serialChain(crane())).toThrow(
      'Robot "crane" has 2 ends that "ground" can move: cart, spinner. Name one as tip. [MF_CHAIN_AMBIGUOUS]',
    );
  });

  test("refuses a tip that no joint moves, that is not below the base, or that does not exist", () => {
    expect(() => serialChain(crane(), { tip: "camera" })).toThrow('no joint moves "camera" relative to "ground"');
    expect(() => serialChain(crane(), { base: "rail", tip: "spinner" })).toThrow(
      '"spinner" does not descend from "rail"',
    );
    expect(() => serialChain(crane(), { tip: "cat" })).toThrow(
      'Unknown link of robot "crane" "cat". Did you mean "cart"?',
    );
  });

  test.each(["floating", "planar"])("refuses a %s joint on the way, and only there, with its line", (type) => {
    expect(serialChain(crane(type), { tip: "cart" }).joints).toHaveLength(2);
    expect(() => serialChain(crane(type), { tip: "spinner" })).toThrow(`crane.urdf:8: joint "spin" is ${type}, which`);
  });

  test("refuses a joint that copies another", () => {
    const text = CRANE.replace('<limit lower="-1" upper="1"/>', '<limit lower="-1" upper="1"/><mimic joint="slide"/>');
    expect(() => serialChain(crane("revolute", text), { tip: "spinner" })).toThrow(
      'crane.urdf:8: joint "spin" copies the joint "slide"',
    );
  });
});
