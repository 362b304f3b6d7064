import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpz, writeNpz } from "../../../../core/data/npz.ts";
import { demonstrationDataset, keyframes, windowSamples } from "../../../../plugins/tasks/particle/data.ts";
import {
  type Demonstration,
  demonstrate,
  readDemonstrations,
  toArrays,
} from "../../../../plugins/tasks/particle/demonstrations.ts";
import { particleGenerator } from "../../../../plugins/tasks/particle/generate.ts";
import { actionBox, fitNormalizer } from "../../../../plugins/tasks/particle/normalizer.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-particle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const quiet = (): void => {};
const start = { epoch: 0, position: 0, seed: 0 };

describe("files", () => {
  test("a generated folder and a generated .npz hold the same demonstrations, to the last bit", async () => {
    const options = { dims: 3, episodes: 4, seed: 7 };
    const [json, npz] = [join(folder, "demos"), join(folder, "demos.npz")];
    await particleGenerator.generate(options, json, quiet);
    await particleGenerator.generate(options, npz, quiet);
    const expected = await demonstrate(3, 4, 7);
    expect(await readDemonstrations(json, 3)).toEqual(expected);
    expect(await readDemonstrations(npz, 3)).toEqual(expected);
    expect((await readdir(json)).sort()[0]).toBe("episode-0000.json");
    expect((await readNpz(npz))["actions"]!.shape).toEqual([4, 50, 3]);
  });

  test("a trajectory has the names of the format, one position, velocity and action a step", async () => {
    const out = join(folder, "one");
    await particleGenerator.generate({ episodes: 1 }, out, quiet);
    const value = JSON.parse(await readFile(join(out, "episode-0000.json"), "utf8"));
    expect(Object.keys(value)).toEqual(["trajectory", "actions", "first_goal_position", "second_goal_position"]);
    expect([value.trajectory.positions, value.trajectory.velocities, value.actions].map((a) => a.length)).toEqual([
      50, 50, 50,
    ]);
    expect(value.trajectory.velocities[0]).toEqual([0, 0]);
    expect(value.actions[0]).toEqual(value.first_goal_position);
    expect(value.actions[49]).toEqual(value.second_goal_position);
  });

  test("a folder that is not empty is not written to", async () => {
    const out = join(folder, "full");
    await mkdir(out);
    await writeFile(join(out, "notes.txt"), "mine");
    await expect(particleGenerator.generate({ episodes: 1 }, out, quiet)).rejects.toMatchObject({
      code: "MF_PARTICLE_OUT",
      fault: "user",
    });
  });
});

const trajectory = (steps: number) => ({
  trajectory: {
    positions: Array.from({ length: steps }, () => [0.1, 0.2]),
    velocities: Array.from({ length: steps }, () => [0, 0]),
  },
  actions: Array.from({ length: steps }, () => [0.5, 0.5]),
  first_goal_position: [0.3, 0.4],
  second_goal_position: [0.5, 0.6],
});

describe("bad input", () => {
  const whole = trajectory(3);
  const cases: readonly [string, string, string][] = [
    [
      "unequal lengths",
      JSON.stringify({ ...whole, actions: whole.actions.slice(1) }),
      "it has 3 positions, 3 velocities and 2 actions",
    ],
    ["NaN", JSON.stringify(whole).replace("0.1", "NaN"), "it holds NaN"],
    ["one step", JSON.stringify(trajectory(1)), "it has one step"],
    [
      "another dimension",
      JSON.stringify({ ...whole, second_goal_position: [1, 2, 3] }),
      "second_goal_position has 3 numbers, and the task is set up for 2 dimensions",
    ],
    ["text for a number", JSON.stringify(whole).replace("0.1", '"a"'), '"trajectory.positions[0]" has "a"'],
    ["a missing list", JSON.stringify({ ...whole, actions: undefined }), '"actions" is missing'],
    ["half a file", JSON.stringify(whole).slice(0, 40), "it is not JSON"],
  ];
  test.each(cases)("%s: one message that names file and fault, exit 2", async (name, text, message) => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, text);
    const error = await readDemonstrations(path, 2).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "MF_PARTICLE_TRAJECTORY", fault: "user" });
    expect((error as Error).message).toContain(`"${path}": ${message}`);
  });

  test("an empty folder says how to fill it", async () => {
    const path = join(folder, "empty");
    await mkdir(path);
    await expect(readDemonstrations(path, 2)).rejects.toMatchObject({
      code: "MF_PARTICLE_FOLDER",
      fault: "user",
      message: expect.stringContaining(`mf data generate --task particle --out ${path}`),
    });
  });

  test("a missing path is named", async () => {
    await expect(readDemonstrations(join(folder, "gone"), 2)).rejects.toMatchObject({ code: "MF_FILE_MISSING" });
  });

  test("arrays: NaN by episode and step, missing ones, and other shapes", async () => {
    const path = join(folder, "bad.npz");
    const arrays = toArrays(await demonstrate(2, 3, 0));
    const message = async () => (await readDemonstrations(path, 2).catch((e: Error) => e.message)) as string;
    arrays["actions"]!.data[(50 + 4) * 2 + 1] = Number.NaN;
    await writeNpz(path, arrays);
    expect(await message()).toContain("episode 1: actions[4] has NaN");
    const { velocities, ...rest } = arrays;
    await writeNpz(path, rest);
    expect(await message()).toContain('array "velocities" is missing');
    await writeNpz(path, { ...rest, velocities: { ...velocities!, shape: [150, 2] } });
    expect(await message()).toContain('array "velocities" has shape [150, 2], not [episodes, steps, dims]');
    await writeNpz(path, { ...rest, velocities: { ...velocities!, shape: [6, 25, 2] } });
    expect(await message()).toContain('array "velocities" has 6 episodes, and "positions" 3');
  });
});

/** Two steps in 1-D. */
const small: Demonstration = {
  steps: 2,
  positions: Float64Array.of(0.2, 0.4),
  velocities: Float64Array.of(0, 2),
  actions: Float64Array.of(0.5, 0.9),
  firstGoal: Float64Array.of(0.5),
  secondGoal: Float64Array.of(0.9),
};

describe("samples", () => {
  test("observations are z-scores, actions run from −1 to 1, the first window is padded", () => {
    const normalizer = fitNormalizer([small]);
    expect(normalizer.mean).toEqual([0.3, 1, 0.5, 0.9].map((x) => expect.closeTo(x, 12)));
    // Goals that never change are centred, not blown up.
    expect(normalizer.deviation).toEqual([0.1, 1, 2 ** -23, 2 ** -23].map((x) => expect.closeTo(x, 12)));
    const { observation, action } = windowSamples([small], normalizer);
    expect(observation!.shape).toEqual([2, 8]);
    const rows = [-1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, 1, 1, 0, 0];
    expect([...observation!.data]).toEqual(rows.map((x) => expect.closeTo(x, 5)));
    expect([...action!.data]).toEqual([-1, 1].map((x) => expect.closeTo(x, 6)));
  });

  test("no window reaches over the beginning of an episode", async () => {
    const two = await demonstrate(2, 2, 0);
    const { observation } = windowSamples(two, fitNormalizer(two));
    const row = (i: number) => [...observation!.data.subarray(16 * i, 16 * i + 16)];
    expect(row(50).slice(0, 8)).toEqual(row(50).slice(8));
    expect(row(49).slice(8)).not.toEqual(row(50).slice(0, 8));
    expect(row(51).slice(0, 8)).toEqual(row(50).slice(8));
  });

  test("the box is the data's range, 5 % wider on each side, within the setpoints the environment knows", () => {
    const normalizer = { mean: [], deviation: [], lowest: [0.5, 0.01, 0], highest: [0.9, 0.99, 1] };
    const { low, high } = actionBox(normalizer);
    expect(low).toEqual([-1.1, -1 - 0.02 / 0.98, -1].map((x) => expect.closeTo(x, 12)));
    expect(high).toEqual([1.1, 1 + 0.02 / 0.98, 1].map((x) => expect.closeTo(x, 12)));
  });

  test("keyframes are first steps and turns; asked for, they are in an epoch several times", async () => {
    const demonstrations = await demonstrate(2, 3, 0);
    const turns = demonstrations.map(({ actions, secondGoal }) => actions.indexOf(secondGoal[0]!) / 2);
    expect(keyframes(demonstrations)).toEqual(turns.flatMap((turn, episode) => [50 * episode, 50 * episode + turn]));
    const normalizer = fitNormalizer(demonstrations);
    const dataset = demonstrationDataset(demonstrations, () => normalizer, 4);
    expect(dataset.size).toBe(150 + 3 * 6);
    const { batch } = await dataset.read(start, 168);
    const resting = Array.from({ length: 168 }, (_, row) =>
      batch["observation"]!.data.subarray(16 * row, 16 * row + 16),
    );
    const first = resting.filter((row) => row.subarray(0, 8).every((x, k) => x === row[8 + k]));
    expect(first).toHaveLength(3 * 4);
  });

  test("batches carry the box, come again for the same cursor, and cover an epoch", async () => {
    const demonstrations = await demonstrate(2, 3, 0);
    const normalizer = fitNormalizer(demonstrations);
    const dataset = demonstrationDataset(demonstrations, () => normalizer);
    expect(dataset.size).toBe(150);
    const first = await dataset.read(start, 50);
    expect(first.batch["low"]!.shape).toEqual([50, 2]);
    expect(first.batch["high"]!.data[99]).toBeCloseTo(actionBox(normalizer).high[1]!, 6);
    expect(await dataset.read(start, 50)).toEqual(first);
    const seen = new Set<number>();
    let cursor = start;
    for (let i = 0; i < 3; i++) {
      const { batch, next } = await dataset.read(cursor, 50);
      for (let row = 0; row < 50; row++) seen.add(batch["observation"]!.data[16 * row + 8]!);
      cursor = next;
    }
    expect(seen.size).toBe(150);
  });
});
