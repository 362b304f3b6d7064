import { expect, test } from "vitest";
import { createStream } from "../../../../core/random.ts";
import type { Motions } from "../../../../plugins/tasks/gait/data/source.ts";
import { MOTION_WIDTH, ROOT_DZ } from "../../../../plugins/tasks/gait/motion/layout.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import { walkingScene } from "../../../../plugins/tasks/gait/report.ts";
import { syntheticMotion } from "../../../../plugins/tasks/gait/synthetic/motion.ts";
import { syntheticParams } from "../../../../plugins/tasks/gait/synthetic/params.ts";

const space = shippedParameters();
const count = 5;
const params = syntheticParams(createStream(0, "gait/report-test"), count);
const width = space.parameters.length;
const each = Array.from({ length: count }, (_, i) => syntheticMotion(params, i * width));
const motions: Motions = { count, params, motions: Float32Array.from(each.flatMap((motion) => [...motion])) };
/** The first cycle of each motion: what a network without error predicts. */
const perfect = Float32Array.from(each.flatMap((motion) => [...motion.subarray(0, 30 * MOTION_WIDTH)]));

test("a prediction without error walks beside its target, the same at every moment", () => {
  const { actors, clips } = walkingScene({ cycles: perfect, motions }, space);
  expect(actors.map(({ name }) => name)).toEqual(["predicted", "target"]);
  for (const { frames, note } of clips) {
    expect(note).toMatch(/^Joints wrong by 0\.\d\d° on average, of 5 held-out motions\.$/);
    const [predicted, target] = frames as [number[][], number[][]];
    expect(predicted).toHaveLength(90);
    for (const [i, points] of predicted.entries()) {
      const apart = points.map((value, k) => target[i]![k]! - value);
      expect(apart).toEqual(apart.map((_, k) => expect.closeTo(k % 3 === 0 ? 0.8 : 0, 3)));
    }
  }
});

test("walkers stay on the ground, upright, and get forward as far as the motion says", () => {
  const { clips, actors } = walkingScene({ cycles: perfect, motions }, space);
  const { frames, follow, interval_s } = clips[0]!;
  const heights = frames[1]!.flatMap((points) => points.filter((_, k) => k % 3 === 1));
  expect(Math.min(...heights)).toBeGreaterThan(-0.1);
  expect(Math.max(...heights)).toBeGreaterThan(1.1);
  const pelvisZ = (frame: number): number => frames[1]![frame]![3 * follow!.point + 2]!;
  const cycle = pelvisZ(30) - pelvisZ(0);
  expect(pelvisZ(60) - pelvisZ(30)).toBeCloseTo(cycle, 3);
  // Displacements are of control frames of 1/30 s: their mean is the speed.
  const speeds = each.map((m) =>
    Array.from({ length: 30 }, (_, i) => m[i * MOTION_WIDTH + ROOT_DZ]!).reduce((a, b) => a + b),
  );
  const speed = cycle / (30 * interval_s);
  expect(speeds.some((sum) => Math.abs(sum - speed) < 0.01)).toBe(true);
  for (const { parts } of actors) {
    expect(parts.every(({ from, to }) => Math.max(from, to) < frames[1]![0]!.length / 3)).toBe(true);
  }
});
