import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { demonstrationDataset } from "./data.ts";
import { demonstrate, readDemonstrations } from "./demonstrations.ts";
import { particleErrors } from "./errors.ts";
import { episodeEvaluator } from "./evaluate.ts";
import { inferenceSchema, particleInference } from "./inference.ts";
import { dropoutMasks, networkSchema, sequenceNetwork } from "./network.ts";
import { fitNormalizer, type Normalizer } from "./normalizer.ts";
import { particlePictures } from "./pictures.ts";
import { episodeFigure } from "./report.ts";

/** The particle of implicit behavioural cloning (Florence et al. 2021): imitate an oracle that visits two goals. */
export const particle = definePlugin({
  name: "particle",
  summary: "imitation: a particle visits two goals, from demonstrations; success in closed loop beside baselines",
  provides: "task",
  options: z.strictObject({
    dims: z.number().int().positive().max(1024).default(2).describe("dimensions of the cube the particle moves in"),
    data: z
      .string()
      .nullable()
      .default(null)
      .describe("a folder of trajectories, or one file; null to have the oracle demonstrate"),
    episodes: z.number().int().positive().default(2000).describe("demonstrations of the oracle, where data is null"),
    keyframes: z
      .number()
      .int()
      .positive()
      .default(1)
      .describe("times that first steps, and steps at which the action changes, are in the data"),
    policy: z
      .enum(["implicit", "explicit"])
      .default("implicit")
      .describe("an energy of actions (for ebm), or the action itself (for mse)"),
    network: networkSchema,
    inference: inferenceSchema,
    evaluation: z
      .strictObject({
        episodes: z.number().int().positive().default(20).describe("closed-loop episodes to measure on"),
        seed: z.number().int().min(0).default(0).describe("decides where they start"),
      })
      .prefault({}),
  }),
  setup({ task, evaluator, report, memory, hooks }, given) {
    const { dims, data, episodes, policy, network, inference, evaluation } = given;
    let known: Normalizer | null = null;
    const normalizer = (): Normalizer => {
      if (known === null) throw particleErrors.MF_PARTICLE_NORMALIZER(undefined);
      return known;
    };
    memory({
      save: () => known,
      load(value: Normalizer | null) {
        known = value ?? known;
      },
    });
    const model = sequenceNetwork(dims, policy, network);
    const options = { dims, policy, ...inference };
    const asked = particleInference(model, options, normalizer);
    task({
      name: "particle",
      model,
      async dataset() {
        const demonstrations =
          data === null ? await demonstrate(dims, episodes, 0) : await readDemonstrations(data, dims);
        // A resumed run goes on with what its network is used to, whatever has become of the data.
        known ??= fitNormalizer(demonstrations);
        return demonstrationDataset(demonstrations, normalizer, given.keyframes);
      },
      inference: asked,
    });
    evaluator({
      ...episodeEvaluator(options, evaluation),
      render: (params, predict) =>
        particlePictures({ model, options, normalizer: normalizer() }, params, predict, evaluation),
    });
    if (dims > 1) {
      report({
        name: "particle/episodes",
        title: "Episodes",
        build: (params, predict) =>
          episodeFigure({ model, options, normalizer: normalizer() }, params, predict, evaluation),
      });
    }
    if (network.dropout > 0) {
      hooks.beforeStep.tap("particle", (batch, step) => {
        const rows = batch["observation"]!.shape[0]!;
        return { ...batch, ...dropoutMasks(network, rows, step.random) };
      });
    }
  },
});
