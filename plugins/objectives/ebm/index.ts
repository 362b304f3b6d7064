import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import { boxOf, uniformIn } from "../implicit/box.ts";
import { demandNames, demandShape } from "../implicit/demands.ts";
import { energyOf } from "../implicit/energy.ts";
import { gradientPenalty } from "../implicit/gradient-penalty.ts";
import { infoNce } from "../implicit/info-nce.ts";
import { langevin } from "../implicit/langevin.ts";
import { langevinFields } from "../implicit/options.ts";

/**
 * Implicit behavioural cloning (Florence et al. 2021): trains an energy E(observation, action) that is low at the
 * demonstrated action and high at counter-examples, which a Langevin chain finds where the energy is low now.
 */
export const ebm = definePlugin({
  name: "ebm",
  summary:
    "implicit behavioural cloning: an energy by InfoNCE against Langevin counter-examples, with a gradient penalty",
  options: z.strictObject({
    negatives: z.number().int().positive().default(8).describe("counter-examples for each demonstrated action"),
    langevin: z
      .strictObject({
        ...langevinFields,
        share: z.number().min(0).max(1).default(1).describe("share of the counter-examples that the chain moves"),
      })
      .prefault({}),
    temperature: z.number().positive().default(1).describe("of the softmax over energies"),
    gradientPenalty: z
      .strictObject({
        weight: z.number().min(0).default(1).describe("factor of the penalty; 0 leaves it out"),
        margin: z.number().min(0).default(1).describe("steepness that costs nothing, per unit of a normalised action"),
      })
      .prefault({}),
  }),
  setup({ hooks, loss, model }, { negatives, langevin: { share, ...chain }, temperature, gradientPenalty: penalty }) {
    const moved = Math.round(negatives * share);

    hooks.beforeStep.tap("ebm", (batch, step) => {
      demandNames("ebm", batch, ["observation", "action", "low", "high"]);
      const [rows, dimensions] = batch["action"]!.shape as [number, number];
      const box = boxOf(batch);
      const uniform = (count: number): tf.Tensor => uniformIn(box, [rows, count, dimensions], step.random);
      const energy = energyOf(model, step.params, batch);
      const parts = [
        ...(moved > 0 ? [langevin(energy, uniform(moved), { ...chain, ...box }, step.random, step.repeat)] : []),
        ...(moved < negatives ? [uniform(negatives - moved)] : []),
        tf.expandDims(batch["action"]!, 1),
      ];
      return { ...batch, actions: tf.concat(parts, 1) };
    });

    loss({
      name: "ebm",
      compute(params, batch, step) {
        // [B, negatives + 1, N], the demonstrated one last.
        const actions = batch["actions"]!;
        const energy = energyOf(model, params, batch);
        const energies = demandShape(energy(actions), actions.shape.slice(0, 2), {
          plugin: "ebm",
          wanted: "an energy for each action",
          policy: "implicit",
        });
        const [wrong, right] = tf.split(energies, [negatives, 1], 1);
        step.report("ebm/negative_energy", tf.mean(wrong!));
        step.report("ebm/positive_energy", tf.mean(right!));
        const contrast = infoNce(energies, temperature);
        step.report("ebm/info_nce", contrast);
        if (penalty.weight === 0) return contrast;
        const steepness = gradientPenalty(energy, actions, penalty.margin);
        step.report("ebm/gradient_penalty", steepness);
        return tf.add(contrast, tf.mul(steepness, penalty.weight));
      },
    });
  },
});
