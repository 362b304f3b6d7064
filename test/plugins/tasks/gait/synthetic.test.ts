import { describe, expect, test } from "vitest";
import { createStream } from "../../../../core/random.ts";
import { JOINTS, MOTION_WIDTH, SAMPLES } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { sixDofToPos } from "../../../../plugins/tasks/gait/motion/six-dof.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import { defaultParams, numKnownParams } from "../../../../plugins/tasks/gait/parameters/space.ts";
import { bodyOf, type EndName, limbScales } from "../../../../plugins/tasks/gait/skeleton/body.ts";
import { emptyStance, placeJoints, writePoint } from "../../../../plugins/tasks/gait/skeleton/kinematics.ts";
import { syntheticMotion } from "../../../../plugins/tasks/gait/synthetic/motion.ts";
import { syntheticParams } from "../../../../plugins/tasks/gait/synthetic/params.ts";

const space = shippedParameters();
const healthy = defaultParams(space);
const scalesOf = limbScales(space);

/** Healthy parameters with changes: by name, or by a pattern of names. */
function changed(...changes: readonly (readonly [pattern: string | RegExp, value: number | "least"])[]): Float32Array {
  const params = healthy.slice();
  for (const [pattern, value] of changes) {
    for (const [i, { name, min }] of space.parameters.entries()) {
      if (typeof pattern === "string" ? name === pattern : pattern.test(name))
        params[i] = value === "least" ? min : value;
    }
  }
  return params;
}

const walkers = (count: number): Float32Array[] => {
  const rows = syntheticParams(createStream(3, "walkers"), count);
  return Array.from({ length: count }, (_, i) => rows.subarray(i * 279, (i + 1) * 279));
};

const offsetOf = (joint: string): number => JOINTS.find(({ name }) => name === joint)!.offset;
const cycle = Array.from({ length: 30 }, (_, i) => i);
const channel = (motion: Float32Array, index: number): number[] => cycle.map((i) => motion[i * MOTION_WIDTH + index]!);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A joint's rotation vector over the cycle, degrees, one of its components. */
const degrees = (motion: Float32Array, joint: string, component: number): number[] => {
  let at = component;
  for (const { name, kind } of JOINTS) {
    if (name === joint) break;
    at += { root: 6, ball: 3, revolute: 1 }[kind];
  }
  return cycle.map((i) => (sixDofToPos(motion.subarray(i * 101, (i + 1) * 101))[at]! * 180) / Math.PI);
};

/** A point of the body in the frame that goes along with the walker, m, at each sample of the cycle. */
function pointOf(params: Float32Array, motion: Float32Array, end: EndName): number[][] {
  const body = bodyOf(scalesOf(params, 0));
  return cycle.map((i) => {
    const out = new Float64Array(3);
    writePoint(placeJoints(body, motion, i * MOTION_WIDTH, emptyStance()), body.ends[end], out, 0);
    return [...out];
  });
}

const SOLE = ["Heel", "ThumbBase", "PinkyBase", "ThumbTip", "PinkyTip"].flatMap((end) => [`${end}R`, `${end}L`]);

describe("a synthetic motion", () => {
  const motion = syntheticMotion(healthy);

  test("is two equal cycles of finite numbers, the same every time", () => {
    expect(motion).toHaveLength(SAMPLES * MOTION_WIDTH);
    expect(motion.subarray(0, 3030)).toEqual(motion.subarray(3030));
    expect(motion.every(Number.isFinite)).toBe(true);
    const rows = new Float32Array(3 * 279).fill(Number.NaN);
    rows.set(healthy, 279);
    expect(syntheticMotion(rows, 279)).toEqual(motion);
  });

  test("has orthonormal rows, whoever walks", () => {
    let worst = 0;
    for (const params of walkers(20)) {
      const made = syntheticMotion(params);
      for (const { kind, offset } of JOINTS) {
        if (kind === "revolute") continue;
        for (const i of cycle) {
          const [a, b, c, d, e, f] = made.subarray(i * MOTION_WIDTH + offset) as unknown as number[];
          const dots = [a! * a! + b! * b! + c! * c! - 1, d! * d! + e! * e! + f! * f! - 1, a! * d! + b! * e! + c! * f!];
          worst = Math.max(worst, ...dots.map(Math.abs));
        }
      }
    }
    expect(worst).toBeLessThan(1e-6);
  });

  test("is its own mirror image half a cycle later when the parameters are the same on both sides", () => {
    const crouch = changed([/muscle_length_(Semi|Biceps)/, 0.8], ["gait_stride", 0.9], [/torsion/, 0.3]);
    for (const made of [motion, syntheticMotion(crouch)]) {
      for (const i of cycle) {
        const now = made.subarray(i * MOTION_WIDTH, (i + 1) * MOTION_WIDTH);
        const later = made.subarray(((i + 15) % 30) * MOTION_WIDTH);
        expect(Math.max(...mirrored(now).map((value, k) => Math.abs(later[k]! - value)))).toBeLessThan(1e-6);
      }
    }
  });

  test("follows the textbook's angles of hip, knee and ankle", () => {
    const hip = degrees(motion, "FemurR", 0).map((angle) => -angle);
    const knee = degrees(motion, "TibiaR", 0);
    const ankle = degrees(motion, "TalusR", 0).map((angle) => -angle);
    // Perry & Burnfield 2010: thigh 30° forward and 10° back of the pelvis; knee 20° in loading and 60° in swing; ankle
    // 10° up in stance, about 15° down at push-off. Extremes at 85, 50; 14, 72; 45 and 63 % of the cycle.
    const extreme = (values: number[], from: number, to: number, least: boolean): [value: number, percent: number] => {
      const part = values.slice(from, to);
      const value = least ? Math.min(...part) : Math.max(...part);
      return [value, ((from + part.indexOf(value)) * 100) / 30];
    };
    const near = ([value, percent]: [number, number], expected: number, at: number) => {
      expect(Math.abs(value - expected)).toBeLessThan(6);
      expect(Math.abs(percent - at)).toBeLessThan(6);
    };
    near(extreme(hip, 15, 30, false), 33, 87);
    near(extreme(hip, 0, 30, true), -10, 50);
    near(extreme(knee, 0, 12, false), 19, 15);
    near(extreme(knee, 8, 17, true), 5, 43);
    near(extreme(knee, 15, 30, false), 60, 72);
    near(extreme(ankle, 8, 18, false), 10, 42);
    near(extreme(ankle, 15, 25, true), -15, 63);
  });

  test("swings arms against legs, and bobs by a few centimetres twice a cycle", () => {
    const leg = pointOf(healthy, motion, "HeelR").map(([, , z]) => z!);
    const arm = pointOf(healthy, motion, "FingerR").map(([, , z]) => z!);
    expect(mean(leg.map((z, i) => (z - mean(leg)) * (arm[i]! - mean(arm))))).toBeLessThan(-0.01);
    const height = channel(motion, 7);
    const span = Math.max(...height) - Math.min(...height);
    expect(span).toBeGreaterThan(0.015);
    expect(span).toBeLessThan(0.05);
    const turns = height.filter((h, i) => h > height[(i + 29) % 30]! && h >= height[(i + 1) % 30]!).length;
    expect(turns).toBe(2);
  });

  test("stands on the ground: the lower foot within 6 mm of it for a healthy walker, 35 mm under it for any", () => {
    for (const [n, params] of [healthy, ...walkers(40)].entries()) {
      const made = syntheticMotion(params);
      const heights = SOLE.map((end) => pointOf(params, made, end as EndName).map(([, y]) => y!));
      for (const i of cycle) {
        const lowest = Math.min(...heights.map((ys) => ys[i]!));
        expect(lowest).toBeLessThan(0.006);
        expect(lowest).toBeGreaterThan(n === 0 ? -0.008 : -0.035);
      }
    }
  });

  test("moves the root so that the foot that carries stays where it is", () => {
    for (const cadence of [0.75, 1, 1.25]) {
      const params = changed(["gait_cadence", cadence]);
      const made = syntheticMotion(params);
      const [dx, dz] = [channel(made, 6), channel(made, 8)];
      const base = pointOf(params, made, "ThumbBaseR");
      // From 12 to 50 % of the cycle the right leg carries alone. A cycle takes 30/cadence control frames.
      for (let i = 4; i < 15; i++) {
        const slip = (axis: 0 | 2, moved: number[]): number =>
          base[i]![axis]! - base[i - 1]![axis]! + (moved[i]! + moved[i - 1]!) / 2 / cadence;
        expect(Math.abs(slip(2, dz))).toBeLessThan(0.003);
        expect(Math.abs(slip(0, dx))).toBeLessThan(0.006);
      }
      expect(mean(dx)).toBeCloseTo(0, 7);
    }
  });
});

/** The mirror image of a pose: left and right change places, and what points sideways changes its sign. */
function mirrored(pose: Float32Array): Float32Array {
  const out = new Float32Array(MOTION_WIDTH);
  for (const { name, kind, offset } of JOINTS) {
    const other = offsetOf(name.replace(/[RL]$/, (side) => (side === "R" ? "L" : "R")));
    if (kind === "revolute") {
      out[other] = name.startsWith("ForeArm") ? -pose[offset]! : pose[offset]!;
      continue;
    }
    // M·R·M with M = diag(−1, 1, 1).
    for (const [k, sign] of [1, -1, -1, -1, 1, 1].entries()) out[other + k] = sign * pose[offset + k]!;
    if (kind === "root") for (const [k, sign] of [-1, 1, 1].entries()) out[6 + k] = sign * pose[6 + k]!;
  }
  return out;
}

describe("parameters of a synthetic motion", () => {
  const base = syntheticMotion(healthy);
  const speed = (params: Float32Array): number => 30 * mean(channel(syntheticMotion(params), 8));

  test("all change it, but for the lengths of the arms", () => {
    const without = space.parameters.filter(({ name, min, max, default: value }) => {
      const made = syntheticMotion(changed([name, (min + max + value) / 3 + 0.01]));
      return made.every((x, i) => Math.abs(x - base[i]!) < 1e-4);
    });
    expect(without.map(({ name }) => name)).toEqual(
      ["ArmR", "ArmL", "ForeArmR", "ForeArmL"].map((n) => `skeleton_${n}`),
    );
  });

  test("change it smoothly: half the step, half the change", () => {
    const [from, to] = walkers(2) as [Float32Array, Float32Array];
    const between = (share: number): Float32Array => from.map((x, i) => x + share * (to[i]! - x));
    for (const share of [0, 0.3, 0.7]) {
      const start = syntheticMotion(between(share));
      const change = (step: number): number =>
        Math.hypot(...syntheticMotion(between(share + step)).map((x, i) => x - start[i]!)) / step;
      expect(change(1e-3) / change(2e-3)).toBeGreaterThan(0.97);
      expect(change(1e-3) / change(2e-3)).toBeLessThan(1.03);
    }
  });

  test("make the walk faster by stride and cadence, and a small walker lower and slower", () => {
    expect(speed(healthy)).toBeGreaterThan(1.1);
    expect(speed(healthy)).toBeLessThan(1.5);
    expect(speed(changed(["gait_stride", 1.25])) / speed(healthy)).toBeGreaterThan(1.15);
    expect(speed(changed(["gait_stride", 0.75])) / speed(healthy)).toBeLessThan(0.85);
    expect(speed(changed(["gait_cadence", 1.25])) / speed(healthy)).toBeCloseTo(1.25, 5);
    const small = syntheticMotion(changed(["skeleton_global", 0.85]));
    expect(mean(channel(small, 7)) / mean(channel(base, 7))).toBeCloseTo(0.85, 2);
    expect(mean(channel(small, 8)) / mean(channel(base, 8))).toBeCloseTo(0.85, 2);
  });

  const knee = (motion: Float32Array, side: string): number[] => degrees(motion, `Tibia${side}`, 0);
  const ankle = (motion: Float32Array, side: string): number[] => degrees(motion, `Talus${side}`, 0).map((a) => -a);

  test("weak dorsiflexors: the foot drops as it comes forward, and the knee lifts it over the ground", () => {
    const drop = syntheticMotion(changed([/muscle_force_(Tibialis_Anterior|Extensor|Peroneus_Tertius).*_R/, "least"]));
    expect(ankle(drop, "R")[23]! - ankle(base, "R")[23]!).toBeLessThan(-10);
    expect(Math.abs(ankle(drop, "R")[8]! - ankle(base, "R")[8]!)).toBeLessThan(2);
    expect(knee(drop, "R")[23]! - knee(base, "R")[23]!).toBeGreaterThan(4);
    expect(Math.abs(ankle(drop, "L")[8]! - ankle(base, "L")[8]!)).toBeLessThan(1);
  });

  test("short calf muscles: an equinus foot all along", () => {
    const equinus = syntheticMotion(changed([/muscle_length_(Gastrocnemius|Soleus|Plantaris).*_L/, "least"]));
    for (const i of [0, 8, 15, 25]) expect(ankle(equinus, "L")[i]! - ankle(base, "L")[i]!).toBeLessThan(-8);
    const heels = pointOf(healthy, equinus, "HeelL").map(([, y]) => y!);
    expect(Math.min(...heels)).toBeGreaterThan(0.01);
  });

  test("short hamstrings: a crouch, lower and slower", () => {
    const crouch = changed([/muscle_length_(Semi|Biceps|Popliteus|Gracilis)/, "least"]);
    const made = syntheticMotion(crouch);
    expect(Math.min(...knee(made, "R")) - Math.min(...knee(base, "R"))).toBeGreaterThan(15);
    expect(mean(channel(made, 7))).toBeLessThan(mean(channel(base, 7)) - 0.02);
    expect(speed(crouch)).toBeLessThan(speed(healthy));
  });

  test("weak abductors: the pelvis drops to the other side and the trunk leans over the leg that carries", () => {
    const made = syntheticMotion(changed([/muscle_force_(Gluteus_M(edius|inimus)|Tensor).*_R/, "least"]));
    // Row 2, x of the pelvis is how much its left side is up.
    const obliquity = (motion: Float32Array, i: number): number => channel(motion, offsetOf("Pelvis") + 3)[i]!;
    expect(obliquity(made, 9)).toBeLessThan(obliquity(base, 9) - 0.05);
    expect(Math.abs(obliquity(made, 24) - obliquity(base, 24))).toBeLessThan(0.04);
    const head = (motion: Float32Array): number => pointOf(healthy, motion, "HeadTop")[9]![0]!;
    expect(head(made)).toBeLessThan(head(base) - 0.05);
  });

  test("torsion turns the foot inward on its own side only", () => {
    const toeIn = changed(["torsion_FemurR", 0.5]);
    const made = syntheticMotion(toeIn);
    const pointing = (motion: Float32Array, side: "R" | "L"): number =>
      pointOf(healthy, motion, `ThumbTip${side}`)[8]![0]! - pointOf(healthy, motion, `Heel${side}`)[8]![0]!;
    expect(pointing(made, "R") - pointing(base, "R")).toBeGreaterThan(0.05);
    expect(pointing(made, "L")).toBeCloseTo(pointing(base, "L"), 4);
  });
});

describe("made-up walkers", () => {
  const count = 2000;
  const rows = syntheticParams(createStream(0, "mix"), count);
  const known = numKnownParams(space);
  const affected = (row: number): string[] =>
    space.parameters.flatMap(({ name, default: value }, j) =>
      j >= known && rows[row * 279 + j]! !== value ? [name] : [],
    );

  test("have parameters in their ranges", () => {
    const outside = Array.from(rows).filter((value, i) => {
      const { min, max } = space.parameters[i % 279]!;
      return !(value >= Math.fround(min) && value <= max);
    });
    expect(outside).toEqual([]);
  });

  test("are mixed as published: 3 % with healthy muscles, 5 % affected at knee and ankle, 92 % anywhere", () => {
    const DISTAL = /Vastus|Rectus_Fem|Semi[mt]|Biceps|Popl|Gastr|Soleus|Plantaris|Tib|Digit|Halluc|Peroneus|Gracilis/;
    const names = Array.from({ length: count }, (_, row) => affected(row));
    const share = (test: (names: string[]) => boolean): number => names.filter(test).length / count;
    const healthyShare = share((list) => list.length === 0);
    const distal = share((list) => list.length > 0 && list.every((name) => DISTAL.test(name)));
    expect(Math.abs(healthyShare - 0.03)).toBeLessThan(0.015);
    expect(Math.abs(distal - 0.05)).toBeLessThan(0.02);
    expect(new Set(names.flat()).size).toBe(266);
  });
});
