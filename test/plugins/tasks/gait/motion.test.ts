import { describe, expect, test } from "vitest";
import { createStream } from "../../../../core/random.ts";
import { CHANNEL_NAMES, JOINTS, MOTION_WIDTH } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { phaseOf } from "../../../../plugins/tasks/gait/motion/phase.ts";
import {
  POSITIONS_WIDTH,
  posToSixDof,
  sixDofToPos,
  writeRotation,
} from "../../../../plugins/tasks/gait/motion/six-dof.ts";

/** Where the published layout has its joints. */
const PUBLISHED: Readonly<Record<string, readonly [first: number, last: number]>> = {
  Pelvis: [0, 8],
  FemurR: [9, 14],
  TibiaR: [15, 15],
  TalusR: [16, 21],
  FootPinkyR: [22, 22],
  FootThumbR: [23, 23],
  FemurL: [24, 29],
  TibiaL: [30, 30],
  TalusL: [31, 36],
  FootPinkyL: [37, 37],
  FootThumbL: [38, 38],
  Spine: [39, 44],
  Torso: [45, 50],
  Neck: [51, 56],
  Head: [57, 62],
  ShoulderR: [63, 68],
  ArmR: [69, 74],
  ForeArmR: [75, 75],
  HandR: [76, 81],
  ShoulderL: [82, 87],
  ArmL: [88, 93],
  ForeArmL: [94, 94],
  HandL: [95, 100],
};

describe("the layout", () => {
  test("is the published one", () => {
    expect(Object.fromEntries(JOINTS.map(({ name, offset, width }) => [name, [offset, offset + width - 1]]))).toEqual(
      PUBLISHED,
    );
    expect(CHANNEL_NAMES).toHaveLength(MOTION_WIDTH);
    expect(new Set(CHANNEL_NAMES).size).toBe(101);
    expect([6, 7, 8, 9, 14, 15, 100].map((i) => CHANNEL_NAMES[i])).toEqual([
      "Pelvis.dx",
      "Pelvis.height",
      "Pelvis.dz",
      "FemurR.row1.x",
      "FemurR.row2.z",
      "TibiaR.angle",
      "HandL.row2.z",
    ]);
  });

  test("has thirty phases a cycle, sine first", () => {
    expect(phaseOf(0)).toEqual([0, 1]);
    expect(phaseOf(5)[0]).toBeCloseTo(Math.sqrt(3) / 2, 15);
    expect(phaseOf(5)[1]).toBeCloseTo(0.5, 15);
    expect(phaseOf(37)[0]).toBeCloseTo(phaseOf(7)[0], 14);
  });
});

/** A vector turned about an axis by an angle, with the vector formula rather than a matrix. */
function turned(v: readonly number[], rotation: readonly number[]): number[] {
  const angle = Math.hypot(...rotation);
  const [kx, ky, kz] = rotation.map((x) => x / angle) as [number, number, number];
  const [x, y, z] = v as [number, number, number];
  const along = (kx * x + ky * y + kz * z) * (1 - Math.cos(angle));
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [
    c * x + s * (ky * z - kz * y) + along * kx,
    c * y + s * (kz * x - kx * z) + along * ky,
    c * z + s * (kx * y - ky * x) + along * kz,
  ];
}

describe("positions and channels", () => {
  const random = createStream(1, "positions");
  /** Random positions; rotation vectors of up to `longest` rad. */
  const positions = (longest: number): Float64Array => {
    const values = new Float64Array(POSITIONS_WIDTH);
    let at = 0;
    for (const { kind } of JOINTS) {
      if (kind === "revolute") {
        values[at++] = 2 * random.uniform() - 1;
        continue;
      }
      const axis = [random.normal(), random.normal(), random.normal()];
      const length = (longest * random.uniform()) / Math.hypot(...axis);
      for (const x of axis) values[at++] = x * length;
      if (kind === "root") for (let k = 0; k < 3; k++) values[at++] = random.normal();
    }
    return values;
  };

  test("go round without loss", () => {
    for (const longest of [3.1, 1, 1e-3, 1e-7]) {
      for (let n = 0; n < 50; n++) {
        const given = positions(longest);
        const back = sixDofToPos(posToSixDof(given));
        for (const [i, value] of given.entries()) expect(Math.abs(back[i]! - value)).toBeLessThan(1e-12);
      }
    }
  });

  test("hold the first two rows of each rotation, the translation and the angles", () => {
    const given = positions(3);
    const channels = posToSixDof(given);
    // Rows of R are the axes turned back.
    const [x, y] = [
      [1, 0, 0],
      [0, 1, 0],
    ];
    const back = [...given.subarray(0, 3)].map((v) => -v);
    const rows = [...turned(x!, back), ...turned(y!, back)];
    for (const [i, value] of rows.entries()) expect(channels[i]).toBeCloseTo(value, 13);
    expect(channels.subarray(6, 9)).toEqual(given.subarray(3, 6));
    expect(channels[15]).toBe(given[9]);
    expect(channels[94]).toBe(given[52]);
  });

  test("of the zero pose are the identity's rows, and half a turn keeps its axis", () => {
    const zero = posToSixDof(new Float64Array(POSITIONS_WIDTH));
    expect([...zero.subarray(9, 15)]).toEqual([1, 0, 0, 0, 1, 0]);
    for (const axis of [0, 1, 2]) {
      const given = new Float64Array(POSITIONS_WIDTH);
      given[axis] = Math.PI;
      expect(Math.abs(sixDofToPos(posToSixDof(given))[axis]!)).toBeCloseTo(Math.PI, 12);
    }
  });
});

describe("a rotation of predicted rows", () => {
  const rotation = (...rows: number[]): number[] => {
    const out = new Float64Array(9);
    writeRotation(rows, 0, out, 0);
    return [...out];
  };
  const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

  test("is orthonormal and right-handed, keeps the first row's direction and the plane of both", () => {
    const [a, b] = [
      [1, 2, 3],
      [-2, 0.5, 1],
    ] as [number[], number[]];
    const m = rotation(...a, ...b);
    const rows = [m.slice(0, 3), m.slice(3, 6), m.slice(6, 9)] as [number[], number[], number[]];
    for (const [i, row] of rows.entries()) {
      for (const [j, other] of rows.entries()) expect(dot(row, other)).toBeCloseTo(i === j ? 1 : 0, 14);
    }
    expect(dot(rows[0], a)).toBeCloseTo(Math.hypot(...a), 14);
    expect(dot(rows[2], b)).toBeCloseTo(0, 14);
    expect(dot(rows[1], b)).toBeGreaterThan(0);
  });

  test("exists also where rows give no direction, and is not made up where they are not finite", () => {
    const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    expect(rotation(0, 0, 0, 0, 0, 0)).toEqual(identity);
    expect(rotation(2, 0, 0, -3, 0, 0)).toEqual(identity);
    for (const m of [rotation(0, 3, 0, 0, 1, 0), rotation(1, 2, 3, 2, 4, 6)]) {
      expect(dot(m.slice(0, 3), m.slice(3, 6))).toBeCloseTo(0, 14);
      expect(Math.hypot(...m.slice(6, 9))).toBeCloseTo(1, 14);
    }
    expect(rotation(Number.NaN, 0, 0, 0, 1, 0).some(Number.isNaN)).toBe(true);
  });
});
