import { defineErrors, ours, user } from "../errors.ts";

export const exportErrors = defineErrors({
  MF_EXPORT_NONE: user(
    (d: { task: string }) =>
      `The task "${d.task}" has no inference function to write as ONNX. Its parameters can be written: --format safetensors.`,
  ),
  MF_EXPORT_UNTRACEABLE: user(
    (d: { task: string; reason: string }) =>
      `The inference function of the task "${d.task}" cannot be written as ONNX: ${d.reason}.`,
  ),
  MF_EXPORT_TRACE: ours(
    (d: { task: string; reason: string }) =>
      `The inference function of the task "${d.task}" cannot be written as ONNX: ${d.reason}`,
  ),
  MF_EXPORT_DIFFERS: ours(
    (d: { output: string; rows: number; difference: number; limit: number }) =>
      `ONNX Runtime's "${d.output}" differs from the model's by ${d.difference.toExponential(1)} of its size on ${d.rows} rows (${d.limit} is allowed). Nothing was written.`,
  ),
  MF_EXPORT_FOREIGN: user(
    (d: { path: string }) =>
      `"${d.path}" was not written by mf export: it lacks MotionForge's metadata. Run it with ONNX Runtime itself.`,
  ),
  MF_EXPORT_DAMAGED: user(
    (d: { path: string; problem: string }) => `"${d.path}" is damaged, or no ONNX file: ${d.problem}. Export it again.`,
  ),
});
