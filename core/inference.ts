import * as tf from "@tensorflow/tfjs-core";
import { toHost } from "./checkpoint/snapshot.ts";
import type { HostBatch } from "./data/host-tensor.ts";
import { emptyRows, gatherRows, rowCount } from "./data/rows.ts";
import { repeat, stepRandom, toTensors } from "./engine/feed.ts";
import { errors } from "./errors.ts";
import { createStream, type RandomStream } from "./random.ts";
import type { Inference, Predict, Task } from "./task.ts";
import type { Tree } from "./tree.ts";

/** An inference function with these parameters, run by TensorFlow.js on the backend in use. */
export const predictWith = (inference: Inference, params: Tree): Predict =>
  inPieces(async (inputs) => {
    const random = stepRandom(streamOf(inference));
    const outputs = tf.tidy(() => inference.run(params, toTensors(inputs), { random, repeat }));
    const arrays = toHost(outputs);
    tf.dispose(outputs);
    return arrays;
  });

/** What evaluators ask: the task's inference on an engine. Rejects with MF_INFERENCE_NONE where the task has none. */
export function predictOf(
  { name, inference }: Task,
  params: Tree,
  engine: { predictWith(inference: Inference, params: Tree): Predict },
): Predict {
  if (inference !== undefined) return engine.predictWith(inference, params);
  return async () => {
    throw errors.MF_INFERENCE_NONE({ task: name });
  };
}

/** The random numbers of one call. */
export const streamOf = ({ stream }: Inference): RandomStream => stream?.() ?? createStream(0, "inference");

const ROWS_AT_ONCE = 4096;

/** The same function for any number of rows, run on some thousands at once, so that memory stays bounded. */
export function inPieces(predict: Predict): Predict {
  return async (inputs) => {
    const rows = rowCount(inputs);
    if (rows <= ROWS_AT_ONCE) return predict(inputs);
    let all: HostBatch | undefined;
    for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, rows - from);
      const piece = await predict(rowsFrom(inputs, from, count));
      all ??= emptyRows(piece, rows);
      gatherRows(all, from, piece, count, (i) => i);
    }
    return all!;
  };
}

/** `count` rows of every array, from row `from` on. */
export function rowsFrom(batch: HostBatch, from: number, count: number): HostBatch {
  const rows = emptyRows(batch, count);
  gatherRows(rows, 0, batch, count, (i) => from + i);
  return rows;
}
