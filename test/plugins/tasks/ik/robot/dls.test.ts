import { describe, expect, test } from "vitest";
import { createStream } from "../../../../../core/random.ts";
import { dlsBatch, dlsStep, solveDls } from "../../../../../plugins/tasks/ik/robot/dls.ts";
import { forwardKinematics, forwardKinematicsBatch, poseAt } from "../../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../../plugins/tasks/ik/robot/load.ts";
import { poseErrors, summarizePoseErrors } from "../../../../../plugins/tasks/ik/robot/pose-error.ts";
import {
  sampleConfigurations,
  sampleServoPairs,
  withinLimits,
} from "../../../../../plugins/tasks/ik/robot/sampling.ts";
import { chainOf } from "./robots.ts";

/**
 * Reference values from 20 000 poses of another implementation. Tolerances are about four standard errors of 4000 poses;
 * after two and three steps the mean is made by a few poses near singularities, hence the wide ones.
 */
describe.each([
  {
    robot: "panda",
    rows: [
      { steps: 0, mm: [85, 3], deg: [13.7, 0.4], success: [0.0002, 0.001] },
      { steps: 1, mm: [15.5, 2], deg: [1.53, 0.25], success: [0.337, 0.03] },
      { steps: 2, mm: [3.74, 2], deg: [0.43, 0.25], success: [0.916, 0.018] },
      { steps: 3, mm: [2.27, 1.8], deg: [0.26, 0.25], success: [0.978, 0.01] },
    ],
  },
  {
    robot: "ur10",
    rows: [
      { steps: 0, mm: [101.5, 4], deg: [12.5, 0.4], success: [0.0002, 0.001] },
      { steps: 1, mm: [14.2, 2], deg: [0.86, 0.15], success: [0.369, 0.03] },
      { steps: 2, mm: [1.93, 1], deg: [0.13, 0.1], success: [0.94, 0.015] },
      { steps: 3, mm: [0.49, 0.6], deg: [0.04, 0.06], success: [0.988, 0.008] },
    ],
  },
])("DLS steps from 0.1 rad off, on $robot", ({ robot, rows }) => {
  const { chain } = loadRobot(robot);
  const { solutions, sources } = sampleServoPairs(chain, createStream(0, `test/dls/${robot}`), 4000, 0.1);
  const targets = forwardKinematicsBatch(chain, solutions);
  test.each(rows)("$steps steps leave the known error", ({ steps, mm, deg, success }) => {
    const summary = summarizePoseErrors(poseErrors(chain, dlsBatch(chain, sources, targets, steps), targets));
    expect(Math.abs(summary.position_error_mm - mm[0]!)).toBeLessThan(mm[1]!);
    expect(Math.abs(summary.orientation_error_deg - deg[0]!)).toBeLessThan(deg[1]!);
    expect(Math.abs(summary.success - success[0]!)).toBeLessThan(success[1]!);
  });
});

describe("dlsStep", () => {
  const { chain } = loadRobot("panda");
  const q = Float64Array.of(0, -0.5, 0, -2, 0, 1.5, 0.7);

  test("stays where the target is reached, and does not touch its input", () => {
    const copy = q.slice();
    const next = dlsStep(chain, q, forwardKinematics(chain, q));
    for (let i = 0; i < 7; i++) expect(next[i]).toBeCloseTo(q[i]!, 12);
    expect(q).toEqual(copy);
  });

  test("stops at the joint limits unless told not to", () => {
    const high = { position: [0, 0, 3], quaternion: [0, 1, 0, 0] } as const;
    expect(withinLimits(chain, dlsStep(chain, q, high))).toBe(true);
    expect(withinLimits(chain, dlsStep(chain, q, high, { clampToLimits: false }))).toBe(false);
  });
});

describe("solveDls", () => {
  test.each(["panda", "ur10"])("finds joint values for reachable poses of %s, inside the limits", (name) => {
    const { chain } = loadRobot(name);
    const random = createStream(0, "test/solve");
    const targets = forwardKinematicsBatch(chain, sampleConfigurations(chain, random, 100));
    const seed = chain.joints.map(({ lower, upper }) => (lower + upper) / 2);
    let solved = 0;
    for (let row = 0; row < 100; row++) {
      const target = poseAt(targets, row);
      const solution = solveDls(chain, target, seed, { random });
      if (!solution.solved) continue;
      solved++;
      expect(withinLimits(chain, solution.q)).toBe(true);
      const reached = forwardKinematics(chain, solution.q);
      for (let k = 0; k < 3; k++) expect(Math.abs(reached.position[k]! - target.position[k]!)).toBeLessThan(1e-5);
    }
    expect(solved).toBeGreaterThanOrEqual(97);
  });

  test("says when a pose is out of reach, and how near it came", () => {
    const { chain } = loadRobot("panda");
    const solution = solveDls(chain, { position: [2, 0, 0.333], quaternion: [0, 1, 0, 0] }, new Float64Array(7));
    expect(solution.solved).toBe(false);
    expect(solution.steps).toBe(50);
    expect(solution.positionError).toBeGreaterThan(1);
  });

  test("costs no step when the seed is a solution, and solves arms with slides and turntables", () => {
    const chain = chainOf(["continuous", "prismatic", "revolute"]);
    const q = Float64Array.of(4, 0.5, -1);
    const target = forwardKinematics(chain, q);
    expect(solveDls(chain, target, q)).toMatchObject({ solved: true, steps: 0, q });
    expect(solveDls(chain, target, [3.8, 0.4, -0.8])).toMatchObject({ solved: true });
  });
});
