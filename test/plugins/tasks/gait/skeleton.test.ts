import { DOMParser } from "@xmldom/xmldom";
import { describe, expect, test } from "vitest";
import { createStream } from "../../../../core/random.ts";
import { JOINTS, MOTION_WIDTH } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { POSITIONS_WIDTH, posToSixDof } from "../../../../plugins/tasks/gait/motion/six-dof.ts";
import { parametersFromJson } from "../../../../plugins/tasks/gait/parameters/read.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import { defaultParams } from "../../../../plugins/tasks/gait/parameters/space.ts";
import { bodyOf, limbScales, PARENTS } from "../../../../plugins/tasks/gait/skeleton/body.ts";
import { emptyStance, placeJoints, writePoint } from "../../../../plugins/tasks/gait/skeleton/kinematics.ts";
import { renderCycle } from "../../../../plugins/tasks/gait/skeleton/render.ts";
import { syntheticMotion } from "../../../../plugins/tasks/gait/synthetic/motion.ts";

const space = shippedParameters();
const healthy = defaultParams(space);
const scalesOf = limbScales(space);
const adult = bodyOf(scalesOf(healthy, 0));
const jointIndex = (name: string): number => JOINTS.findIndex((joint) => joint.name === name);

/** Joint positions of a pose, m. */
const placed = (channels: ArrayLike<number>, body = adult): ((name: string) => number[]) => {
  const { positions } = placeJoints(body, channels, 0, emptyStance());
  return (name) => [...positions.subarray(3 * jointIndex(name), 3 * jointIndex(name) + 3)];
};
const standing = posToSixDof(new Float64Array(POSITIONS_WIDTH));

describe("the body", () => {
  test("is upright with arms stretched out, mirrored, and 1.70 m tall from sole to crown", () => {
    const at = placed(standing);
    for (const { name } of JOINTS.filter((joint) => joint.name.endsWith("R"))) {
      const [x, y, z] = at(name) as [number, number, number];
      expect(at(name.replace(/R$/, "L"))).toEqual([-x, y, z]);
      expect(x).toBeLessThan(0);
    }
    expect(at("HandL")[1]).toBeCloseTo(at("ArmL")[1]!, 12);
    const stance = placeJoints(adult, standing, 0, emptyStance());
    const height = (name: "HeadTop" | "HeelR"): number => {
      const out = new Float64Array(3);
      writePoint(stance, adult.ends[name], out, 0);
      return out[1]!;
    };
    expect(height("HeadTop") - height("HeelR")).toBeCloseTo(1.7, 12);
  });

  test("has limbs of the published shares of stature, scaled by their parameters", () => {
    const length = (params: Float32Array, from: string, to: string): number => {
      const at = placed(standing, bodyOf(scalesOf(params, 0)));
      return Math.hypot(...at(to).map((x, i) => x - at(from)[i]!));
    };
    // Drillis & Contini: thigh 0.245, shank 0.246, upper arm 0.186, forearm 0.146 of the stature.
    expect(length(healthy, "FemurR", "TibiaR")).toBeCloseTo(0.245 * 1.7, 12);
    expect(length(healthy, "TibiaL", "TalusL")).toBeCloseTo(0.246 * 1.7, 12);
    expect(length(healthy, "ArmL", "ForeArmL")).toBeCloseTo(0.186 * 1.7, 12);
    expect(length(healthy, "ForeArmR", "HandR")).toBeCloseTo(0.146 * 1.7, 12);
    const small = healthy.slice();
    small[space.indexOf("skeleton_global")] = 0.9;
    small[space.indexOf("skeleton_TibiaL")] = 0.95;
    expect(length(small, "TibiaL", "TalusL")).toBeCloseTo(0.246 * 1.7 * 0.9 * 0.95, 6);
    expect(length(small, "TibiaR", "TalusR")).toBeCloseTo(0.246 * 1.7 * 0.9, 6);
  });

  test("is full-grown where a description has no skeleton", () => {
    const other = parametersFromJson([{ name: "gait_stride", group: "gait", min: 0, max: 1, default: 1 }], "test");
    expect(new Set(Object.values(limbScales(other)(Float32Array.of(1), 0)))).toEqual(new Set([1]));
  });
});

describe("forward kinematics", () => {
  test("turns knees and elbows the way they bend", () => {
    const pose = (changes: Readonly<Record<string, number>>) => {
      const channels = standing.slice();
      for (const [name, value] of Object.entries(changes)) channels[JOINTS[jointIndex(name)]!.offset] = value;
      return placed(channels);
    };
    expect(pose({ TibiaR: 1 })("TalusR")[2]).toBeLessThan(-0.3);
    expect(pose({ TibiaL: 1 })("TalusL")[2]).toBeLessThan(-0.3);
    expect(pose({ ForeArmR: 1 })("HandR")[2]).toBeGreaterThan(0.15);
    expect(pose({ ForeArmL: -1 })("HandL")[2]).toBeGreaterThan(0.15);
  });

  test("agrees with quaternions that turn each segment along the chain", () => {
    const random = createStream(2, "poses");
    for (let n = 0; n < 20; n++) {
      const positions = Float64Array.from({ length: POSITIONS_WIDTH }, () => 0.7 * random.normal());
      const at = placed(posToSixDof(positions));
      const expected = chained(positions);
      for (const [j, { name }] of JOINTS.entries()) {
        for (const [k, x] of at(name).entries()) expect(x).toBeCloseTo(expected[j]![k]!, 12);
      }
    }
  });
});

type Quaternion = readonly [number, number, number, number];

/** Joint positions from rotation vectors and angles, by quaternions; the pelvis stays over the origin. */
function chained(positions: Float64Array): number[][] {
  const turns: Quaternion[] = [];
  const places: number[][] = [];
  let from = 0;
  for (const [j, { name, kind }] of JOINTS.entries()) {
    const vector =
      kind !== "revolute"
        ? [...positions.subarray(from, from + 3)]
        : name.startsWith("ForeArm")
          ? [0, positions[from]!, 0]
          : [positions[from]!, 0, 0];
    const parent = PARENTS[j]!;
    const { x, y, z } = adult.joints[j]!;
    if (kind === "root") places.push([0, positions[4]!, 0]);
    else places.push(rotated(turns[parent]!, [x, y, z]).map((value, k) => value + places[parent]![k]!));
    turns.push(parent < 0 ? quaternion(vector) : times(turns[parent]!, quaternion(vector)));
    from += { root: 6, ball: 3, revolute: 1 }[kind];
  }
  return places;
}

function quaternion(vector: readonly number[]): Quaternion {
  const angle = Math.hypot(...vector);
  const [x, y, z] = vector.map((v) => (v * Math.sin(angle / 2)) / angle) as [number, number, number];
  return [Math.cos(angle / 2), x, y, z];
}

const times = ([a, b, c, d]: Quaternion, [e, f, g, h]: Quaternion): Quaternion => [
  a * e - b * f - c * g - d * h,
  a * f + b * e + c * h - d * g,
  a * g - b * h + c * e + d * f,
  a * h + b * g - c * f + d * e,
];

const rotated = (q: Quaternion, v: readonly number[]): number[] => [
  ...times(times(q, [0, v[0]!, v[1]!, v[2]!]), [q[0], -q[1], -q[2], -q[3]]).slice(1),
];

describe("the picture of a cycle", () => {
  const target = syntheticMotion(healthy);
  const given = { title: "R&D <walk>", target, predicted: target, scales: scalesOf(healthy, 0), cadence: 1.25 };
  const parse = (svg: string) => new DOMParser().parseFromString(svg, "image/svg+xml");

  test("is well-formed, without scripts, and closes after a cycle of its own duration", () => {
    const document = parse(renderCycle({ ...given, synthetic: true }));
    expect(document.getElementsByTagName("script")).toHaveLength(0);
    const animations = Array.from(document.getElementsByTagName("animate"));
    expect(animations.length).toBeGreaterThan(50);
    for (const animation of animations) {
      const frames = animation.getAttribute("values")!.split(";");
      expect(frames).toHaveLength(31);
      expect(frames.at(-1)).toBe(frames[0]);
      expect(animation.getAttribute("dur")).toBe("0.8s");
    }
    expect(document.documentElement!.textContent).toContain("R&D <walk>");
    expect(document.documentElement!.textContent).not.toContain("NaN");
  });

  test("says that data are synthetic when they are, and only then", () => {
    expect(renderCycle({ ...given, synthetic: true })).toContain("synthetic");
    expect(renderCycle({ ...given, synthetic: false })).not.toContain("synthetic");
  });

  test("lets the ground pass by as far as the walker goes, in whole marks", () => {
    const [ground] = Array.from(
      parse(renderCycle({ ...given, synthetic: true })).getElementsByTagName("animateTransform"),
    );
    const cm = ground!.getAttribute("values")!.split(";").map(Number.parseFloat);
    let metres = 0;
    for (let i = 0; i < 30; i++) metres += target[i * MOTION_WIDTH + 8]! / 1.25;
    expect(cm.at(-1)).toBeCloseTo(-100 * metres, 0);
    const marks = (ground!.parentNode as unknown as { getAttribute(name: string): string }).getAttribute("d");
    const [first, second] = marks.split("M").slice(1).map(Number.parseFloat);
    const perCycle = (100 * metres) / (second! - first!);
    expect(perCycle).toBeCloseTo(Math.round(perCycle), 1);
  });

  test("draws a prediction that stands still", () => {
    const still = new Float32Array(30 * MOTION_WIDTH);
    expect(renderCycle({ ...given, predicted: still, synthetic: false })).not.toContain("NaN");
  });
});
