import * as tf from "@tensorflow/tfjs-core";
import { arrayDataset } from "../../../core/data/datasets.ts";
import { float32 } from "../../../core/data/host-tensor.ts";
import { initLinear, linear } from "../../../core/nn/linear.ts";
import { silu } from "../../../core/nn/silu.ts";
import { createStream } from "../../../core/random.ts";
import type { Inference, Model, Task } from "../../../core/task.ts";

const model: Model = {
  init: (random) => ({ ...initLinear(random, "in", 5, 16), ...initLinear(random, "out", 16, 1) }),
  apply: (params, { x }) => linear(params, "out", silu(linear(params, "in", x!))),
};

/** The energy of an action at an observation in one of three modes, with the observations' normaliser inside. */
const inference: Inference = {
  inputs: {
    observation: { shape: [2], unit: "m", description: "where the hand is" },
    action: { shape: [2], unit: "m/s", description: "where it shall go", default: [0, 0] },
    mode: { shape: [], dtype: "int32", description: "0 to 2", default: [1] },
  },
  outputs: { energy: { shape: [], description: "low for actions of the data" } },
  metadata: { classes: ["slow", "usual", "fast"] },
  run(params, { observation, action, mode }) {
    const normal = tf.div(tf.sub(observation!, tf.tensor2d([[0.5, -0.2]])), 0.3);
    const x = tf.concat([normal, action!, tf.expandDims(tf.cast(mode!, "float32"), 1)], 1);
    return { energy: tf.squeeze(model.apply(params, { x }), [1]) };
  },
  examples(count) {
    const random = createStream(0, "examples");
    return {
      observation: float32(random.normals(2 * count), [count, 2]),
      action: float32(random.normals(2 * count), [count, 2]),
      mode: { dtype: "int32", shape: [count], data: Int32Array.from({ length: count }, (_, i) => i % 3) },
    };
  },
};

/** A task whose inference function is not inverse kinematics, and answers plainly. */
export const energyTask = (changed: Partial<Inference> = {}): Task & { readonly inference: Inference } => ({
  name: "energy",
  model,
  dataset: () => arrayDataset({ x: float32(new Float32Array(5), [1, 5]) }),
  inference: { ...inference, ...changed },
});

export const energyParams = () => model.init(createStream(0, "init"));
