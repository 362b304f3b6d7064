import { describe, expect, test } from "vitest";
import { forwardKinematicsBatch } from "../../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../../plugins/tasks/ik/robot/load.ts";
import {
  orientationErrorDeg,
  poseErrors,
  positionErrorMm,
  summarizePoseErrors,
} from "../../../../../plugins/tasks/ik/robot/pose-error.ts";
import { quaternionFromVector } from "../../../../../plugins/tasks/ik/robot/rotation.ts";

describe("pose errors", () => {
  test("are millimetres and degrees", () => {
    const a = { position: [0, 0, 0], quaternion: [1, 0, 0, 0] } as const;
    const b = { position: [0.003, 0.004, 0], quaternion: quaternionFromVector([0, Math.PI / 6, 0]) } as const;
    expect(positionErrorMm(a, b)).toBeCloseTo(5, 12);
    expect(orientationErrorDeg(a, b)).toBeCloseTo(30, 12);
  });

  test("are zero where the robot already is, and 0.1 rad for a wrist 0.1 rad off", () => {
    const { chain } = loadRobot("panda", { tip: "panda_link8" });
    const q = Float64Array.of(0, -0.5, 0, -2, 0, 1.5, 0.7);
    const targets = forwardKinematicsBatch(chain, q);
    expect(poseErrors(chain, q, targets).position_error_mm[0]).toBe(0);
    const off = poseErrors(chain, q.with(6, 0.8), targets);
    expect(off.position_error_mm[0]).toBeCloseTo(0, 10);
    expect(off.orientation_error_deg[0]).toBeCloseTo(18 / Math.PI, 10);
  });
});

describe("their summary", () => {
  test("has means, medians, 95th percentiles, and the share within 5 mm and 5°", () => {
    const summary = summarizePoseErrors({
      position_error_mm: Float64Array.of(0, 10, 4, 2, 4),
      orientation_error_deg: Float64Array.of(1, 1, 6, 1, 1),
    });
    expect(summary).toEqual({
      position_error_mm: 4,
      position_error_mm_median: 4,
      // Rank 3.8 of 0, 2, 4, 4, 10.
      position_error_mm_p95: expect.closeTo(8.8, 12),
      orientation_error_deg: 2,
      orientation_error_deg_median: 1,
      orientation_error_deg_p95: expect.closeTo(5, 12),
      success: 0.6,
    });
  });

  test("counts a pose that is not a number as a failure", () => {
    const summary = summarizePoseErrors({
      position_error_mm: Float64Array.of(1, Number.NaN),
      orientation_error_deg: Float64Array.of(1, Number.NaN),
    });
    expect(summary.success).toBe(0.5);
    expect(summary.position_error_mm).toBeNaN();
  });
});
