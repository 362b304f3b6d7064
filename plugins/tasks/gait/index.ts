import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import type { Clock } from "../../../core/run.ts";
import { cascadeSchema, keptInStage, seenInStage, stageAt, stagesOf } from "./cascade.ts";
import { gaitDataOptions } from "./data/options.ts";
import { type GaitSource, gaitDataset, heldOutMotions, openGait, trainingMotions } from "./data/source.ts";
import { motionEvaluator, predictCycles } from "./evaluate.ts";
import { gaitInference } from "./inference.ts";
import { gaitMemory } from "./memory.ts";
import { motionNetwork, networkSchema } from "./network.ts";
import { loadParameters } from "./parameters/read.ts";
import { walkingScene } from "./report.ts";
import { channelWeights } from "./weights.ts";

/** Training motions that baselines see. */
const SEEN_MOTIONS = 2048;

/** Forward GaitNet (Park et al. 2023): the gait of a person from parameters of body and muscles, learned from simulations. */
export const gait = definePlugin({
  name: "gait",
  summary: "forward GaitNet: a pose from gait parameters and phase, learned from simulated or synthetic motions",
  provides: "task",
  options: z.strictObject({
    ...gaitDataOptions,
    network: networkSchema,
    cascade: cascadeSchema,
    evaluation: z
      .strictObject({
        motions: z.number().int().positive().default(256).describe("held-out motions to measure on"),
        joints: z.boolean().default(false).describe("measures the error of each joint too"),
      })
      .prefault({}),
  }),
  setup(
    { task, evaluator, report, memory, hooks, fixed, scalar, settings, log },
    { network, cascade, evaluation, ...data },
  ) {
    const space = loadParameters(data.parameters);
    const stages = stagesOf(space, cascade);
    const model = motionNetwork(
      stages.map(({ columns }) => columns),
      network,
    );
    const { saved, synthetic, learnFrom } = gaitMemory(space, data.data === null ? true : null);
    const source = once(async (): Promise<GaitSource> => {
      const opened = await openGait(data, log);
      learnFrom(opened);
      return opened;
    });
    memory(saved);
    task({
      name: "gait",
      model,
      dataset: async () => gaitDataset(await source(), settings.batchSize),
      inference: gaitInference(model, space, { cascaded: stages.length > 1, synthetic }),
    });
    const motions = once(async () => heldOutMotions(await source(), evaluation.motions));
    evaluator(
      motionEvaluator({
        space,
        joints: evaluation.joints,
        synthetic,
        motions,
        seen: async () => trainingMotions(await source(), SEEN_MOTIONS),
      }),
    );
    report({
      name: "gait/walking",
      title: "Walking",
      async build(_, predict) {
        const held = await motions();
        return walkingScene({ cycles: await predictCycles(predict, space, held), motions: held }, space);
      },
    });
    if (stages.length > 1) {
      const begins = stages.at(-2)!.until;
      if (settings.steps !== null && settings.steps <= begins) {
        log.warn(`The cascade's last network is trained from step ${begins} on; the run ends at ${settings.steps}.`);
      }
      const now = ({ steps }: Clock): number => stageAt(stages, steps);
      const stage = fixed("gait/stage", now);
      // Recorded, where a fixed value is not.
      scalar("gait/stage", now);
      hooks.beforeForward.tap("gait", (params) => seenInStage(params, stage()));
      hooks.afterUpdate.tap("gait", (next, step) => ({
        ...next,
        params: keptInStage(next.params, step.params, stage()),
      }));
    }
    return { channelWeights };
  },
});

/** Computes when first asked, once. */
function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= compute();
    return result;
  };
}
