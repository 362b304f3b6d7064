import * as tf from "@tensorflow/tfjs-core";
import type { HostBatch } from "../../core/data/host-tensor.ts";
import { useBackend } from "../../core/engine/backend.ts";
import { withMetadata } from "../../core/export/metadata.ts";
import { inferenceToOnnx } from "../../core/export/onnx.ts";
import { predictWith } from "../../core/inference.ts";
import { createStream } from "../../core/random.ts";
import { mapTree } from "../../core/tree.ts";
import { networkSchema, velocityNetwork } from "../../plugins/tasks/ik/network.ts";
import { loadRobot } from "../../plugins/tasks/ik/robot/load.ts";
import { solver } from "../../plugins/tasks/ik/solve.ts";

/** A small solver of inverse kinematics as an exported file, with inputs and what the model gives for them. */
export async function exportedSolver(
  rows: number,
): Promise<{ readonly bytes: Uint8Array; readonly inputs: HostBatch; readonly expected: HostBatch }> {
  await useBackend("wasm", { blas: false });
  const { chain } = loadRobot("panda");
  const model = velocityNetwork(chain, 0.1, networkSchema.parse({ width: 32, depth: 2, condition: 16 }));
  const inference = solver(chain, model, { steps: 2, velocity: "average" }, { regime: "servo", sigma: 0.1 });
  const random = createStream(1, "shake");
  // Layers that start at zero carry signal once every parameter is moved.
  const params = mapTree(
    (p) => tf.add(p, tf.tensor(random.normals(p.size, 0, 0.05), p.shape)),
    model.init(createStream(0, "init")),
  );
  const task = { name: "ik", model, dataset: () => Promise.reject(new Error("not trained here")), inference };
  const inputs = inference.examples(rows);
  return {
    bytes: withMetadata(inferenceToOnnx(task, params).bytes, { task: "ik", ...inference.metadata }),
    inputs,
    expected: await predictWith(inference, params)(inputs),
  };
}
