import * as tf from "@tensorflow/tfjs-core";
import type { Assembly } from "./assemble.ts";
import { firstCursor } from "./data/cursor.ts";
import { feed } from "./engine/eager.ts";
import type { HostInputs } from "./engine/engine.ts";
import { withoutReads } from "./engine/no-reads.ts";
import { errors } from "./errors.ts";
import { createStream } from "./random.ts";
import type { Clock } from "./run.ts";
import type { TrainState } from "./state.ts";
import type { HeldOutLoss } from "./task.ts";
import { mapTree, type Tree } from "./tree.ts";

/**
 * Measures the loss of the parameters to evaluate on the task's held-out data, one TensorFlow.js kernel after the other:
 * always the same batches and draws. Rejects with MF_HELD_OUT_NONE where the task has no such data.
 */
export function heldOutLossOf(assembly: Assembly, state: TrainState, clock: Clock, batchSize: number): HeldOutLoss {
  return async (batches) => {
    const { heldOut, name } = assembly.task;
    if (heldOut === undefined) throw errors.MF_HELD_OUT_NONE({ task: name });
    const dataset = await heldOut();
    assembly.fixAt(clock);
    const scalars = assembly.scalarsAt(clock);
    const params = assembly.evaluationParams(state);
    const means: Record<string, number> = {};
    let cursor = firstCursor(0);
    try {
      for (let i = 0; i < batches; i++) {
        const { batch, next } = await dataset.read(cursor, batchSize);
        cursor = next;
        const inputs = { batch, scalars, random: createStream(0, "held-out", i) };
        for (const [metric, value] of Object.entries(lossOn(assembly, { ...state, params }, inputs))) {
          means[metric] = (means[metric] ?? 0) + value / batches;
        }
      }
    } finally {
      await dataset.close?.();
    }
    return means;
  };
}

function lossOn({ program }: Assembly, state: TrainState, host: HostInputs): Record<string, number> {
  const compute = (): Tree => withoutReads(() => program.loss(state, feed(host)));
  const metrics = tf.tidy(compute as () => tf.TensorContainer) as Tree;
  const values = mapTree((metric) => metric.dataSync()[0]!, metrics);
  tf.dispose(metrics as unknown as tf.TensorContainer);
  return values;
}
