import { describe, expect, test } from "vitest";
import { createStream } from "../../../../../core/random.ts";
import { loadRobot } from "../../../../../plugins/tasks/ik/robot/load.ts";
import {
  clampToLimits,
  jointDifference,
  nearestBranch,
  sampleConfigurations,
  sampleServoPairs,
  samplingRange,
  withinLimits,
} from "../../../../../plugins/tasks/ik/robot/sampling.ts";
import { chainOf } from "./robots.ts";

const panda = loadRobot("panda").chain;
const ur10 = loadRobot("ur10").chain;

describe("sampling", () => {
  test("fills Panda's limits, and one turn of UR10's two", () => {
    expect(samplingRange(panda.joints[3]!)).toEqual({ lower: -3.0718, upper: -0.0698 });
    expect(ur10.joints[0]).toMatchObject({ lower: -2 * Math.PI, upper: 2 * Math.PI });
    expect(ur10.joints.map(samplingRange)).toEqual(ur10.joints.map(() => ({ lower: -Math.PI, upper: Math.PI })));

    const q = sampleConfigurations(panda, createStream(0, "test/sampling"), 2000);
    panda.joints.forEach(({ lower, upper }, i) => {
      const column = q.filter((_, at) => at % 7 === i);
      const range = upper - lower;
      expect(Math.min(...column)).toBeGreaterThanOrEqual(lower);
      expect(Math.max(...column)).toBeLessThanOrEqual(upper);
      expect(Math.min(...column)).toBeLessThan(lower + 0.01 * range);
      expect(Math.max(...column)).toBeGreaterThan(upper - 0.01 * range);
    });
  });

  test("draws the same configurations from the same stream", () => {
    const draw = () => sampleConfigurations(panda, createStream(3, "test/again"), 4);
    expect(draw()).toEqual(draw());
  });

  test("puts a servo source at N(0, σ²) from its solution, and inside the limits", () => {
    const { solutions, sources } = sampleServoPairs(ur10, createStream(0, "test/servo"), 2000, 0.1);
    const offsets = sources.map((value, i) => value - solutions[i]!);
    const deviation = Math.sqrt(offsets.reduce((sum, x) => sum + x * x, 0) / offsets.length);
    // 12 000 draws: three standard errors are 0.002; the elbow's few clamped ones take less.
    expect(deviation).toBeGreaterThan(0.097);
    expect(deviation).toBeLessThan(0.103);

    const near = sampleServoPairs(panda, createStream(0, "test/servo"), 500, 0.5).sources;
    expect(clampToLimits(panda, near.slice())).toEqual(near);
    expect(near.filter((value, i) => value === panda.joints[i % 7]!.upper).length).toBeGreaterThan(0);
  });

  test("leaves values of continuous joints alone when it clamps", () => {
    const chain = chainOf(["revolute", "continuous", "prismatic"]);
    expect(clampToLimits(chain, Float64Array.of(9, 9, -9))).toEqual(Float64Array.of(1.5, 9, -2));
    expect(withinLimits(chain, [1.5, 9, -2])).toBe(true);
    expect(withinLimits(chain, [1.6, 9, -2])).toBe(false);
  });
});

describe("nearestBranch", () => {
  test("moves a UR10 joint by the whole turn that brings it nearest the source, inside ±360°", () => {
    const q = [3, -3, 3, 0.5, -3, 1];
    const source = [-3, 3, -3, 0.4, -6, 6];
    const turn = 2 * Math.PI;
    // The elbow spans one turn only and stays; −3 − 2π lies outside ±2π.
    const expected = [3 - turn, -3 + turn, 3, 0.5, -3, 1 + turn];
    expect([...nearestBranch(ur10, q, source)]).toEqual(expected.map((value) => expect.closeTo(value, 12)).with(5, 1));
  });

  test("never moves a Panda joint", () => {
    const q = [2.8, -1.7, 2.8, -3, 2.8, 3.7, 2.8];
    expect([
      ...nearestBranch(
        panda,
        q,
        q.map((value) => -value),
      ),
    ]).toEqual(q);
  });

  test("moves a continuous joint as often as it takes", () => {
    const chain = chainOf(["continuous"]);
    expect(nearestBranch(chain, [1], [14])[0]).toBeCloseTo(1 + 4 * Math.PI, 12);
  });
});

describe("jointDifference", () => {
  test("goes the short way round for continuous joints, and straight for those with limits", () => {
    const chain = chainOf(["continuous", "revolute", "prismatic"]);
    const difference = jointDifference(chain, [3, 3, 3], [-3, -3, -3]);
    expect([...difference]).toEqual([expect.closeTo(2 * Math.PI - 6, 12), -6, -6]);
  });

  test("is to − from for every row", () => {
    const chain = chainOf(["revolute", "revolute"]);
    expect([...jointDifference(chain, [0, 1, 2, 3], [1, 1, 1, 1])]).toEqual([1, 0, -1, -2]);
  });
});
