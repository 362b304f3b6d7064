import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { float32 } from "../../../core/data/host-tensor.ts";
import { createStream } from "../../../core/random.ts";
import type { StepRandom } from "../../../core/state.ts";
import type { Inference, InferenceStep, Model, Predict } from "../../../core/task.ts";
import { type Box, uniformIn } from "../../objectives/implicit/box.ts";
import { derivativeFree } from "../../objectives/implicit/derivative-free.ts";
import { type Energy, energyOf, lowestEnergy } from "../../objectives/implicit/energy.ts";
import { langevin } from "../../objectives/implicit/langevin.ts";
import { derivativeFreeSchema, langevinSchema } from "../../objectives/implicit/options.ts";
import { answerWithActions } from "./answer.ts";
import { episodeStreams, observeParticles, resetParticles, stepParticles } from "./environment.ts";
import type { PolicyKind } from "./network.ts";
import { actionBox, denormalizeActions, type Normalizer, normalizeWindows } from "./normalizer.ts";
import { type Policy, pairFrames } from "./rollout.ts";

export const inferenceSchema = z
  .strictObject({
    method: z.enum(["langevin", "dfo"]).default("langevin").describe("how the action of lowest energy is looked for"),
    samples: z.number().int().positive().default(512).describe("actions tried for each observation"),
    seed: z.number().int().min(0).default(0).describe("decides which"),
    langevin: langevinSchema,
    dfo: derivativeFreeSchema,
  })
  .prefault({});
export type InferenceOptions = z.output<typeof inferenceSchema>;

/** Candidates at once: enough to keep matrix products busy, few enough for their activations to stay in the cache. */
const CANDIDATES_AT_ONCE = 2048;

export interface PolicyOptions extends InferenceOptions {
  readonly dims: number;
  readonly policy: PolicyKind;
}

/** The policy of an inference function, asked about so many particles at once as keeps its tensors small. */
export function policyOf(predict: Predict, { dims, policy, samples }: PolicyOptions): Policy {
  const size = 8 * dims;
  const atOnce = policy === "explicit" ? 4096 : Math.max(1, Math.floor(CANDIDATES_AT_ONCE / samples));
  return async (frames) => {
    const count = frames.length / size;
    const actions = new Float64Array(count * dims);
    for (let from = 0; from < count; from += atOnce) {
      const to = Math.min(count, from + atOnce);
      const observation = float32(Float32Array.from(frames.subarray(from * size, to * size)), [to - from, 2, 4 * dims]);
      const { action } = await predict({ observation });
      actions.set(action!.data, from * dims);
    }
    return actions;
  };
}

/**
 * Setpoints for windows of two observations. `explicit` is the network's answer, kept in the box of the data. `implicit`
 * looks for the action of lowest energy, from `samples` actions that are uniform in the box: by a Langevin chain from each,
 * or without derivatives. Its random numbers are those of `seed`, the same for every observation, so that an observation
 * has one answer, whatever it comes with.
 */
export function particleInference(model: Model, options: PolicyOptions, normalizer: () => Normalizer): Inference {
  const { dims, policy, samples, method, seed } = options;
  const search = (energy: Energy, box: Box, rows: number, step: InferenceStep): tf.Tensor => {
    const random = sharedByRows(step.random);
    const start = uniformIn(box, [rows, samples, dims], random);
    if (method === "dfo") return derivativeFree(energy, start, { ...options.dfo, ...box }, random);
    const end = langevin(energy, start, { ...options.langevin, ...box }, random, step.repeat);
    return lowestEnergy(energy(end), end);
  };
  return {
    inputs: {
      observation: {
        shape: [2, 4 * dims],
        description:
          "the last two observations, the older first, 50 ms apart: position, velocity, first and second goal",
      },
    },
    outputs: {
      action: { shape: [dims], description: "the position to be drawn to, inside the range of the demonstrations" },
    },
    get metadata() {
      return { dims, policy, method: policy === "implicit" ? method : null, normalizer: normalizer() };
    },
    ...(policy === "implicit" && method === "dfo"
      ? { untraceable: 'method "dfo" reads energies to resample by them; add --task.inference.method langevin' }
      : {}),
    stream: () => createStream(seed, "particle/inference"),
    run(params, inputs, step) {
      const known = normalizer();
      const observation = normalizeWindows(known, inputs["observation"]!);
      const { low, high } = actionBox(known);
      const box = { low: tf.tensor1d(low), high: tf.tensor1d(high) };
      const action =
        policy === "explicit"
          ? tf.minimum(tf.maximum(model.apply(params, { observation }), box.low), box.high)
          : search(energyOf(model, params, { observation }), box, observation.shape[0]!, step);
      return { action: denormalizeActions(known, action) };
    },
    examples(count) {
      const start = resetParticles(dims, episodeStreams(0, "particle/examples", count));
      const frames = pairFrames(
        observeParticles(start),
        observeParticles(stepParticles(start, start.firstGoal)),
        count,
      );
      return { observation: float32(Float32Array.from(frames), [count, 2, 4 * dims]) };
    },
    answer: (predict, request) => answerWithActions(dims, policyOf(predict, options), request),
  };
}

/** Draws of which every row of a tensor `[B, …]` gets the same. */
function sharedByRows(random: StepRandom): StepRandom {
  const shared = (one: tf.Tensor, shape: readonly number[]): tf.Tensor => tf.broadcastTo(one, [...shape]);
  return {
    normal: (shape) => shared(random.normal([1, ...shape.slice(1)]), shape),
    uniform: (shape, min, max) => shared(random.uniform([1, ...shape.slice(1)], min, max), shape),
  };
}
