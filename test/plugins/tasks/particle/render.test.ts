import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
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

describe("trajectories", () => {
  test.each([1, 2, 5])("%i dimensions: a path of 51 points, a start and two goals for each episode", async (dims) => {
    const svg = trajectoriesSvg(await rollOut(resetParticles(dims, episodeStreams(0, "t", 5)), oracle(dims)));
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(svg).toContain("5 of 5 episodes succeeded");
    const paths = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) => points!.split(" "));
    expect(paths.map((points) => points.length)).toEqual([51, 51, 51, 51, 51]);
    expect(count(svg, /fill-opacity="0.35"/g)).toBe(10);
    expect(svg).not.toContain("NaN");
  });

  test("a failed episode stands on a red ground, and up is up", async () => {
    const start = resetParticles(2, episodeStreams(0, "t", 1));
    const up = { ...start, position: Float64Array.of(0.5, 0.25) };
    const svg = trajectoriesSvg(await rollOut(up, () => Float64Array.of(0.5, 0.25)));
    expect(svg).toContain("#fee2e2");
    expect(svg).toContain('<polyline points="90,135 ');
  });
});

describe("energy", () => {
  const resolution = 4;
  const energies = Float32Array.from({ length: 16 }, (_, i) => i);
  const panel = {
    caption: "step 3 < 4",
    landscape: { resolution, energies },
    position: [0.1, 0.2],
    firstGoal: [0.5, 0.5],
    secondGoal: [0.9, 0.9],
    action: [0, 0],
  } as const;

  test("is bright at the lowest energy, which lies at the bottom left here", () => {
    const svg = energySvg([panel]);
    expect(svg).toContain('<path d="M0 135h45v45h-45z" fill="rgb(253,231,37)"');
    expect(svg).toContain('<path d="M135 0h45v45h-45z" fill="rgb(68,1,84)"');
    expect(svg).toContain("step 3 &lt; 4");
  });

  test("is drawn where all energies are equal", () => {
    expect(energySvg([{ ...panel, landscape: { resolution, energies: new Float32Array(16) } }])).not.toContain("NaN");
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
    const pictures = await particlePictures({ model, inference, options, normalizer }, params, evaluation);
    expect(Object.keys(pictures)).toEqual(["trajectories.svg", "energy.svg"]);
    expect(count(pictures["energy.svg"]!, /step \d+/g)).toBe(8);
  });
});
