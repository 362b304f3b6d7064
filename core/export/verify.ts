import type { HostBatch } from "../data/host-tensor.ts";
import { runInference } from "../graph/inference.ts";
import type { Runtime } from "../graph/runtime/runtime.ts";
import { rowsFrom } from "../inference.ts";
import type { Inference, Predict } from "../task.ts";
import { exportErrors } from "./errors.ts";

/** How far an exported file is from the model it was made of. */
export interface Verification {
  /** What ran the file. */
  readonly runtime: string;
  /** The numbers of rows it ran on. */
  readonly rows: readonly number[];
  /** Largest difference of any number. */
  readonly maxAbsolute: number;
  /** Largest difference relative to the largest number of the same output. */
  readonly maxRelative: number;
}

/** What different orders of adding in float32 may make of a deep network; a wrong operator makes far more. */
const LIMIT = 1e-4;
const ROWS = [1, 3, 64];

/** Runs an ONNX file beside the model on the task's examples. Throws MF_EXPORT_DIFFERS. */
export async function verify(
  bytes: Uint8Array,
  runtime: Runtime,
  inference: Inference,
  predict: Predict,
): Promise<Verification> {
  const session = await runtime.createSession(bytes, "the exported model");
  const examples = inference.examples(Math.max(...ROWS));
  let [maxAbsolute, maxRelative] = [0, 0];
  try {
    for (const rows of ROWS) {
      const inputs = rowsFrom(examples, 0, rows);
      const expected = await predict(inputs);
      const found = await runInference(session, inputs);
      for (const [output, array] of Object.entries(expected)) {
        const { absolute, relative } = difference(array, found[output]!);
        if (!(relative <= LIMIT)) {
          throw exportErrors.MF_EXPORT_DIFFERS({ output, rows, difference: relative, limit: LIMIT });
        }
        maxAbsolute = Math.max(maxAbsolute, absolute);
        maxRelative = Math.max(maxRelative, relative);
      }
    }
  } finally {
    session.release();
  }
  return { runtime: runtime.description, rows: ROWS, maxAbsolute, maxRelative };
}

/** NaN where either has one; infinite where the shapes differ. */
function difference(a: HostBatch[string], b: HostBatch[string]): { absolute: number; relative: number } {
  if (a.shape.join() !== b.shape.join())
    return { absolute: Number.POSITIVE_INFINITY, relative: Number.POSITIVE_INFINITY };
  let [absolute, size] = [0, 0];
  for (const [i, value] of a.data.entries()) {
    absolute = Math.max(absolute, Math.abs(value - b.data[i]!));
    size = Math.max(size, Math.abs(value));
  }
  return { absolute, relative: absolute === 0 ? 0 : absolute / size };
}
