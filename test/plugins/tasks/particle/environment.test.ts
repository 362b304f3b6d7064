import { describe, expect, test } from "vitest";
import { baselinePolicies, openLoop } from "../../../../plugins/tasks/particle/baselines.ts";
import {
  episodeStreams,
  observeParticles,
  type Particles,
  resetParticles,
  stepParticles,
} from "../../../../plugins/tasks/particle/environment.ts";
import { oracle } from "../../../../plugins/tasks/particle/oracle.ts";
import { rollOut, succeeded, summarize, wilsonInterval } from "../../../../plugins/tasks/particle/rollout.ts";

const at = (position: number[], firstGoal: number[], secondGoal: number[]): Particles => ({
  dims: position.length,
  count: 1,
  position: Float64Array.from(position),
  velocity: new Float64Array(position.length),
  firstGoal: Float64Array.from(firstGoal),
  secondGoal: Float64Array.from(secondGoal),
  firstDistance: Float64Array.of(Number.POSITIVE_INFINITY),
  secondDistance: Float64Array.of(Number.POSITIVE_INFINITY),
});

const near = (values: number[]) => values.map((v) => expect.closeTo(v, 8));

describe("environment", () => {
  test("moves as the published one does", () => {
    let particles = at([0.2, 0.8], [0.6, 0.1], [1, 1]);
    const trace = [
      [0.204207796, 0.792636357, 0.178386801, -0.312176902],
      [0.216326791, 0.771428116, 0.313243212, -0.548175622],
      [0.234332451, 0.739918211, 0.411205577, -0.719609759],
    ];
    for (const expected of trace) {
      particles = stepParticles(particles, Float64Array.of(0.6, 0.1));
      expect([...particles.position, ...particles.velocity]).toEqual(near(expected));
    }
  });

  test("particles that advance together move as each does alone", () => {
    const together = resetParticles(3, episodeStreams(5, "t", 4));
    const action = Float64Array.from({ length: 12 }, (_, i) => i / 12);
    const after = observeParticles(stepParticles(together, action));
    for (const [i, stream] of episodeStreams(5, "t", 4).entries()) {
      const alone = stepParticles(resetParticles(3, [stream]), action.subarray(3 * i, 3 * i + 3));
      expect([...observeParticles(alone)]).toEqual([...after.subarray(12 * i, 12 * i + 12)]);
    }
  });

  test("observes position, velocity, first goal, second goal", () => {
    const particles = { ...at([0.1, 0.2], [0.3, 0.4], [0.5, 0.6]), velocity: Float64Array.of(7, 8) };
    expect([...observeParticles(particles)]).toEqual([0.1, 0.2, 7, 8, 0.3, 0.4, 0.5, 0.6]);
  });

  test("an episode of a seed is the same, however many are drawn; position, then the goals", () => {
    const few = resetParticles(2, episodeStreams(1, "t", 2));
    const many = resetParticles(2, episodeStreams(1, "t", 9));
    expect([...many.secondGoal.subarray(0, 4)]).toEqual([...few.secondGoal]);
    const [stream] = episodeStreams(1, "t", 1);
    const drawn = Array.from({ length: 6 }, () => stream!.uniform());
    expect([few.position[0], few.position[1], few.firstGoal[0], few.firstGoal[1]]).toEqual(drawn.slice(0, 4));
    expect([few.secondGoal[0], few.secondGoal[1]]).toEqual(drawn.slice(4));
  });

  test("distances count after control steps, not at the reset", () => {
    const particles = at([0.5], [0.5], [0.9]);
    expect(particles.firstDistance[0]).toBe(Number.POSITIVE_INFINITY);
    const away = stepParticles(particles, Float64Array.of(0.9));
    expect(away.firstDistance[0]).toBeCloseTo(away.position[0]! - 0.5, 12);
    expect(away.firstDistance[0]).toBeGreaterThan(0);
    const back = stepParticles(away, Float64Array.of(0.9));
    expect(back.firstDistance[0]).toBe(away.firstDistance[0]);
  });
});

describe("success", () => {
  const ended = (position: number, firstDistance: number, secondDistance: number): Particles => ({
    ...at([position], [0.1], [0.5]),
    firstDistance: Float64Array.of(firstDistance),
    secondDistance: Float64Array.of(secondDistance),
  });

  test.each([
    ["both goals were reached and the end is at the second", ended(0.5, 0.01, 0.01), true],
    ["a distance of exactly 0.05 is too far", ended(0.5, 0.05, 0.01), false],
    ["the second was left again", ended(0.6, 0.01, 0.01), false],
    ["the first was missed", ended(0.5, 0.2, 0.01), false],
  ])("%s", (_, particles, expected) => {
    expect(succeeded(particles)).toEqual([expected]);
  });

  test("the interval is Wilson's", () => {
    // Published: Newcombe 1998, 15 of 148, 81 of 263.
    expect(wilsonInterval(81, 263)).toEqual([expect.closeTo(0.2553, 4), expect.closeTo(0.3662, 4)]);
    expect(wilsonInterval(15, 148)).toEqual([expect.closeTo(0.0624, 4), expect.closeTo(0.1605, 4)]);
    expect(wilsonInterval(0, 20)[0]).toBe(0);
    expect(wilsonInterval(20, 20)).toEqual([expect.closeTo(0.8389, 4), 1]);
  });
});

describe("policies", () => {
  const success = async (dims: number, policy: Parameters<typeof rollOut>[1], count: number) =>
    summarize((await rollOut(resetParticles(dims, episodeStreams(3, "t", count)), policy)).last)["success"];

  test.each([1, 2, 3, 4, 5, 6, 8, 16, 32])("the oracle always succeeds in %i dimensions", async (dims) => {
    expect(await success(dims, oracle(dims), 500)).toBe(1);
  });

  test("the oracle turns within 0.01 of the first goal, and does not turn back", async () => {
    const start = at([0.5, 0.5], [0.52, 0.5], [0.9, 0.9]);
    const { actions, positions } = await rollOut(start, oracle(2));
    const turn = actions.findIndex((action) => action[0] === 0.9);
    const distance = (step: number) => Math.hypot(positions[step]![0]! - 0.52, positions[step]![1]! - 0.5);
    expect(turn).toBeGreaterThan(0);
    expect(distance(turn)).toBeLessThan(0.01);
    expect(distance(turn - 1)).toBeGreaterThanOrEqual(0.01);
    expect(actions.slice(turn).every((action) => action[0] === 0.9)).toBe(true);
    expect(distance(50)).toBeGreaterThan(0.3);
  });

  // 4000 episodes; three deviations of the share. The published shares are of 20 000.
  test.each([
    ["always_goal2", 1, 0.432],
    ["always_goal2", 2, 0.061],
    ["between_goals", 1, 0.19],
    ["between_goals", 2, 0.031],
    ["uniform", 1, 0.041],
  ])("%s in %i-D succeeds as often as published", async (name, dims, expected) => {
    const found = await success(dims, baselinePolicies[name]!(dims), 4000);
    expect(Math.abs(found! - expected)).toBeLessThan(3 * Math.sqrt((expected * (1 - expected)) / 4000));
  });

  test.each([1, 2, 8])("a policy that knows the step succeeds without looking, in %i dimensions", async (dims) => {
    expect(await success(dims, openLoop(dims), 500)).toBe(1);
  });

  test("at the first step both frames are the first observation; later the older one is the step before's", async () => {
    const seen: Float64Array[] = [];
    const start = resetParticles(1, episodeStreams(0, "t", 2));
    const { positions } = await rollOut(
      start,
      (frames) => {
        seen.push(frames);
        return Float64Array.of(0.3, 0.7);
      },
      3,
    );
    expect([...seen[0]!.subarray(0, 4)]).toEqual([...seen[0]!.subarray(4, 8)]);
    expect([seen[2]![0], seen[2]![4], seen[2]![8], seen[2]![12]]).toEqual([
      positions[1]![0],
      positions[2]![0],
      positions[1]![1],
      positions[2]![1],
    ]);
  });
});
