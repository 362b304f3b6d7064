import type { Chain } from "../../plugins/tasks/ik/robot/chain.ts";
import { addCommand, type Context, type Declare, readNumbers } from "../command.ts";
import { number, table } from "../output.ts";

interface RobotFlags {
  readonly fk?: string;
  readonly ik?: string;
  readonly link?: string;
}

export const declareRobot: Declare = (program, context) => {
  addCommand(program, "robot", "print a robot's chain and limits, a pose, or an inverse solution", [
    "mf robot panda",
    "mf robot panda --fk 0,-0.785,0,-2.356,0,1.571,0.785 --json",
    "mf robot ur10 --ik 0.5,0.2,0.6,0,1,0,0",
    "mf robot my-arm.urdf --link wrist",
  ])
    .argument("<robot>", "panda, ur10, ur10e, or the path of a URDF file")
    .option("--fk <q1,q2,…>", "joint values (rad, m): print the pose they give")
    .option("--ik <x,y,z,qw,qx,qy,qz>", "a pose (m): print joint values that reach it")
    .option("--link <name>", "the link to place; default: the end of the chain")
    .action((robot: string, flags: RobotFlags) => robotCommand(robot, flags, context));
};

async function robotCommand(robot: string, flags: RobotFlags, context: Context): Promise<void> {
  const { loadRobot } = await import("../../plugins/tasks/ik/robot/load.ts");
  if (flags.fk !== undefined) {
    const { chain } = loadRobot(robot);
    await placeLink(chain, readNumbers("--fk", flags.fk), flags.link ?? chain.tip, context);
    return;
  }
  const { chain } = loadRobot(robot, flags.link === undefined ? {} : { tip: flags.link });
  if (flags.ik !== undefined) await solve(chain, readNumbers("--ik", flags.ik, 7), context);
  else printChain(chain, context);
}

async function placeLink(chain: Chain, q: readonly number[], link: string, { output }: Context): Promise<void> {
  const { linkPose } = await import("../../plugins/tasks/ik/robot/kinematics.ts");
  const { position, quaternion } = linkPose(chain, q, link);
  chain.joints.forEach(({ name, lower, upper, continuous }, i) => {
    if (!continuous && (q[i]! < lower || q[i]! > upper)) {
      output.warn(`${name} = ${q[i]} is outside its limits [${number(lower)}, ${number(upper)}].`);
    }
  });
  output.emit({ robot: chain.description.name, link, position, quaternion }, () =>
    [
      `${link} of ${chain.description.name}`,
      `position (m)             ${position.map((v) => v.toFixed(6)).join("  ")}`,
      `quaternion (w, x, y, z)  ${quaternion.map((v) => v.toFixed(6)).join("  ")}`,
    ].join("\n"),
  );
}

async function solve(chain: Chain, pose: readonly number[], { output }: Context): Promise<void> {
  const [{ posesFromRows }, { poseAt }, { solveDls }, { createStream }] = await Promise.all([
    import("../../plugins/tasks/ik/data.ts"),
    import("../../plugins/tasks/ik/robot/kinematics.ts"),
    import("../../plugins/tasks/ik/robot/dls.ts"),
    import("../../core/random.ts"),
  ]);
  const target = poseAt(posesFromRows(pose, "--ik"), 0);
  const middle = chain.joints.map(({ lower, upper }) => (lower + upper) / 2);
  const solution = solveDls(chain, target, middle, { random: createStream(0, "robot/ik") });
  const q = Array.from(solution.q);
  const position_error_mm = solution.positionError * 1000;
  const orientation_error_deg = (solution.orientationError * 180) / Math.PI;
  const { solved, steps } = solution;
  const joints = chain.joints.map((joint) => joint.name);
  if (!solved) output.warn("No solution was found: the pose may be out of reach. This is the nearest that was seen.");
  const document = {
    robot: chain.description.name,
    link: chain.tip,
    joints,
    q,
    solved,
    steps,
    position_error_mm,
    orientation_error_deg,
  };
  output.emit(document, () =>
    [
      table(
        ["joint", "value"],
        joints.map((name, i) => [name, Number(q[i]!.toFixed(6))]),
      ),
      "",
      `${solved ? "Solved" : "Not solved"} in ${steps} steps: ${number(position_error_mm)} mm, ${number(orientation_error_deg)}° off.`,
    ].join("\n"),
  );
}

function printChain({ description, base, tip, joints }: Chain, { output }: Context): void {
  const document = {
    robot: description.name,
    file: description.path,
    base,
    tip,
    links: description.links,
    joints: joints.map(({ name, type, lower, upper, velocity }) => ({
      name,
      type,
      lower,
      upper,
      velocity: Number.isFinite(velocity) ? velocity : null,
    })),
  };
  output.emit(document, () =>
    [
      `${description.name}: ${joints.length} joints from ${base} to ${tip}`,
      "",
      table(
        ["joint", "type", "lower", "upper", "velocity"],
        document.joints.map((j) => [j.name, j.type, j.lower, j.upper, j.velocity]),
      ),
      "",
      "Angles in radians, lengths in metres, velocities per second.",
    ].join("\n"),
  );
}
