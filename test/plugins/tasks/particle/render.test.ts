import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { predictWith } from "../../../../core/inference.ts";
import { createStream } from "../../../../core/random.ts";
import { demonstrate } from "../../../../plugins/tasks/particle/demonstrations.ts";
import { episodeStreams, observeParticles, resetParticles } from "../../../../plugins/tasks/particle/environment.ts";
import { inferenceSchema, particleInference } from "../../../../plugins/tasks/particle/inference.ts";
import { energyLandscape } from "../../../../plugins/tasks/particle/landscape.ts";
import { networkSchema, sequenceNetwork } from "../../../../plugins/tasks/particle/network.ts";
import { fitNormalizer } from "../../../../plugins/tasks/particle/normalizer.ts";
import { oracle } from "../../../../plugins/tasks/particle/oracle.ts";
import { particlePictures } from "../../../../plugins/tasks/particle/pictures.ts";
import { energySvg, trajectoriesSvg } from "../../../../plugins/tasks/particle/render.ts";
import { pairFrames, rollOut } from "../../../../plugins/tasks/particle/rollout.ts";

beforeAll(() => useBackend("cpu"));

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** The points of each path. */
const paths = (svg: string): string[][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) => points!.split(" "));

describe("trajectories", () => {
  test.each([1, 2, 5])("%i dimensions: a path of 51 points, a start and two goals for each episode", async (dims) => {
    const svg = trajectoriesSvg(await rollOut(resetParticles(dims, episodeStreams(0, "t", 5)), oracle(dims)));
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(svg).toContain("5 of 5 episodes succeeded");
    expect(svg.includes(`coordinates 1 and 2 of ${dims}`)).toBe(dims > 2);
    expect(paths(svg).map((points) => points.length)).toEqual([51, 51, 51, 51, 51]);
    // A tenth of the square's 192 px across; the legend shows one of each.
    expect(count(svg, /r="9\.6\d*" [^>]*stroke="#1d4ed8"/g)).toBe(6);
    expect(count(svg, /r="9\.6\d*" [^>]*stroke="#c2410c"/g)).toBe(6);
    expect(count(svg, /episode \d: success/g)).toBe(5);
    expect(svg).not.toContain("NaN");
  });

  test("a failed episode stands on a red ground and says how it failed, and up is up", async () => {
    const start = resetParticles(2, episodeStreams(0, "t", 1));
    const goals = { firstGoal: Float64Array.of(0.5, 0.5), secondGoal: Float64Array.of(0.5, 0.25) };
    const stays = { ...start, ...goals, position: Float64Array.of(0.5, 0.25) };
    const svg = trajectoriesSvg(await rollOut(stays, () => Float64Array.of(0.5, 0.25)));
    expect(svg).toContain('height="192" fill="#fee2e2"');
    expect(svg).toContain("episode 0: 0.25 from goal 1 at best");
    expect(paths(svg)[0]![0]).toBe("96,144");
    const leaves = { ...stays, firstGoal: stays.position };
    expect(trajectoriesSvg(await rollOut(leaves, () => Float64Array.of(0.5, 0.75)))).toMatch(
      /episode 0: ended 0\.\d+ from goal 2/,
    );
  });

  test("of many episodes it says how many it shows", async () => {
    const rollout = await rollOut(resetParticles(2, episodeStreams(0, "t", 3)), oracle(2));
    expect(trajectoriesSvg(rollout, 200)).toContain("3 of the first 3 of 200 episodes succeeded");
  });
});

describe("energy", () => {
  const resolution = 4;
  const energies = Float32Array.from({ length: 16 }, (_, i) => i);
  const panel = {
    caption: "step 3 < 4",
    landscape: { resolution, energies },
    path: [
      [0.1, 0.1],
      [0.1, 0.2],
    ],
    firstGoal: [0.5, 0.5],
    secondGoal: [0.9, 0.9],
    action: [0, 0],
  } as const;

  test("is bright at the lowest energy, which lies at the bottom left here", () => {
    const svg = energySvg(0, [panel]);
    expect(svg).toContain('<path d="M0 144h48v48h-48z" fill="rgb(253,231,37)"');
    expect(svg).toContain('<path d="M144 0h48v48h-48z" fill="rgb(68,1,84)"');
    expect(svg).toContain("step 3 &lt; 4: energy 0.00 to 15.0");
    expect(paths(svg)).toEqual([["19.2,172.8", "19.2,153.6"]]);
  });

  test("neighbours of one colour are one rectangle", () => {
    const halves = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 0 : 1));
    const svg = energySvg(0, [{ ...panel, landscape: { resolution, energies: halves } }]);
    expect(svg).toContain('d="M0 144h96v48h-96zM0 96h96v48h-96zM0 48h96v48h-96zM0 0h96v48h-96z"');
    expect(svg).toContain('d="M96 144h96v48h-96zM96 96h96v48h-96zM96 48h96v48h-96zM96 0h96v48h-96z"');
  });

  test("is drawn where all energies are equal", () => {
    expect(energySvg(0, [{ ...panel, landscape: { resolution, energies: new Float32Array(16) } }])).not.toContain(
      "NaN",
    );
  });

  test("is the network's, setpoint by setpoint; pictures of a model come with and without it", async () => {
    const normalizer = fitNormalizer(await demonstrate(2, 5, 0));
    const model = sequenceNetwork(2, "implicit", networkSchema.parse({ width: 8 })!);
    const params = model.init(createStream(0, "init"));
    const options = {
      dims: 2,
      policy: "implicit",
      ...inferenceSchema.parse({ method: "dfo", samples: 8 })!,
    } as const;
    const inference = particleInference(model, options, () => normalizer);
    const seen = observeParticles(resetParticles(2, episodeStreams(0, "t", 1)));
    const fine = energyLandscape(model, params, normalizer, pairFrames(seen, seen, 1), 9);
    const coarse = energyLandscape(model, params, normalizer, pairFrames(seen, seen, 1), 3);
    // The middle of the middle cell is the middle of the square, at any odd resolution.
    expect(fine.energies[40]).toBeCloseTo(coarse.energies[4]!, 5);
    expect(fine.energies[0]).not.toBeCloseTo(fine.energies[80]!, 5);

    const evaluation = { episodes: 2, seed: 0 };
    const predict = predictWith(inference, params);
    const pictures = await particlePictures({ model, options, normalizer }, params, predict, evaluation);
    expect(Object.keys(pictures)).toEqual(["trajectories.svg", "energy.svg"]);
    expect(count(pictures["energy.svg"]!, /step \d+/g)).toBe(8);
  });
});
