import type { ManifestDraft } from "../../../core/checkpoint/manifest.ts";
import type { HostTensor } from "../../../core/data/host-tensor.ts";

/** A draft as the loop would write it after `steps` steps of 100 an epoch. */
export const draftAt = (steps: number): ManifestDraft => ({
  preset: "toy",
  config: { train: { steps: 500, seed: 1 }, plugins: ["toy"] },
  clock: { steps, skipped: 0, batches: steps, samples: 32 * steps, epochs: Math.floor(steps / 100) },
  cursor: { epoch: Math.floor(steps / 100), position: (steps % 100) * 32, seed: 1 },
  seed: 1,
  metrics: { "val/position_error_mm": 5 / (steps + 1) },
  stopReason: null,
  plugins: [{ name: "toy", stateVersion: 2, options: { width: 8 } }],
  memory: { toy: { best: 0.25, seen: [1, 2, 3] } },
  environment: { node: process.version },
});

/** Tensors filled with `steps`, so that a mixture of two checkpoints would show. */
export const tensorsAt = (steps: number, size = 8): Record<string, HostTensor> => ({
  "params/w": { dtype: "float32", shape: [size, 2], data: new Float32Array(2 * size).fill(steps) },
  "params/b": { dtype: "float32", shape: [2], data: new Float32Array(2).fill(steps) },
  "opt/w/m": { dtype: "float32", shape: [size, 2], data: new Float32Array(2 * size).fill(steps / 2) },
  step: { dtype: "int32", shape: [], data: Int32Array.of(steps) },
});
