import { type Chain, serialChain } from "../../../../../plugins/tasks/ik/robot/chain.ts";
import { parseUrdf } from "../../../../../plugins/tasks/ik/robot/urdf.ts";

/** A chain of the given joints, each 0.3 m along and a bit askew from the one before, with a tool at the end. */
export function chainOf(types: readonly ("revolute" | "continuous" | "prismatic")[]): Chain {
  const axes = ["0 0 1", "1 2 2", "0 -1 0", "0 0 -1", "1 0 0"];
  const links = types.map((_, i) => `<link name="l${i + 1}"/>`).join("");
  const joints = types.map(
    (type, i) => `<joint name="j${i + 1}" type="${type}"><parent link="l${i}"/><child link="l${i + 1}"/>
<origin xyz="0.3 0.1 -0.2" rpy="0.4 ${0.3 * i} -0.5"/><axis xyz="${axes[i % axes.length]}"/><limit lower="-2" upper="1.5"/></joint>`,
  );
  const tool = `<joint name="tool" type="fixed"><parent link="l${types.length}"/><child link="tool"/><origin xyz="0 0.1 0.2" rpy="1 0 0"/></joint>`;
  const text = `<robot name="test"><link name="l0"/>${links}<link name="tool"/>${joints.join("\n")}${tool}</robot>`;
  return serialChain(parseUrdf(text, "test.urdf"));
}
