import * as tf from "@tensorflow/tfjs-core";
import type { HostBatch, HostTensor } from "../data/host-tensor.ts";
import type { RandomStream } from "../random.ts";
import type { Batch, Repeat, StepRandom } from "../state.ts";
import { mapTree } from "../tree.ts";

/** Runs the body again and again; what an iteration made is freed before the next. */
export const repeat: Repeat = (n, start, body) => {
  let now = start;
  for (let i = 0; i < n; i++) now = tf.tidy(() => body(now, tf.scalar(i, "int32")));
  return now;
};

export const toTensors = (batch: HostBatch): Batch => mapTree(toTensor, batch);

export const toTensor = (array: HostTensor<"float32" | "int32">): tf.Tensor =>
  tf.tensor(array.data, array.shape as number[], array.dtype);

/** The draws of one step as tensors, from a stream on the host. */
export function stepRandom(stream: RandomStream): StepRandom {
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return {
    normal: (shape) => tf.tensor(stream.normals(size(shape)), shape as number[]),
    uniform: (shape, min = 0, max = 1) => tf.tensor(stream.uniforms(size(shape), min, max), shape as number[]),
  };
}
