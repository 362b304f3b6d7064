import { by, defineErrors, ours, user } from "../errors.ts";

export const graphErrors = defineErrors({
  MF_TRACE_KERNEL: ours(
    (d: { kernel: string; where: string | null }) =>
      `The training step${by(d.where)} uses ${d.kernel}, which the graph engine cannot record. Use other operations, or set engine: "eager".`,
  ),
  MF_TRACE_READ: ours(
    (d: { where: string | null }) =>
      `The training step${by(d.where)} reads the value of a tensor, which has none while the step is recorded. report() it and read it outside, or set engine: "eager".`,
  ),
  MF_TRACE_KEPT: ours(
    (d: { where: string | null }) =>
      `The training step${by(d.where)} uses a tensor that it made, and kept, while it was recorded another time. Make what stays in setup, or carry it in a slot.`,
  ),
  MF_TRACE_REPEAT: ours(
    (d: { where: string | null; problem: string }) =>
      `The body of step.repeat${by(d.where)} ${d.problem}, which the graph engine cannot record. Whatever leaves an iteration is carried: each tensor under its name, of its shape and type.`,
  ),
  MF_INFERENCE_TRACE: ours((d: { reason: string }) => `The inference function cannot be recorded: ${d.reason}`),
  MF_TRACE_CLOCK: ours(
    (d: { where: string | null }) =>
      `The training step${by(d.where)} reads the clock, which would be recorded as a constant. Declare what it computes with context.scalar() or context.fixed(), or set engine: "eager".`,
  ),
  MF_EXCHANGE: ours(
    (d: { path: string; shape: readonly number[] }) =>
      `What exchangeGradients returned has no gradient of shape [${d.shape}] for "${d.path}". Return one for each path that was given, of its shape.`,
  ),
  MF_ENGINE_BACKEND: user(
    () =>
      "The graph engine keeps the training state in memory of the wasm backend. Leave --backend at auto or set it to wasm, or use --engine eager.",
  ),
  MF_DEVICE_ENGINE: user(
    (d: { device: string }) =>
      `The eager engine computes where its backend does, not on ${d.device}. Use --engine graph with --device ${d.device}.`,
  ),
  MF_DEVICE_EXCHANGE: user(
    (d: { device: string }) =>
      `Gradients cannot be exchanged while the state stays on ${d.device}. Use --device cpu, or leave out the plugin that exchanges them.`,
  ),
  MF_TRACE_CHANGED: ours(
    (d: { where: string | null; difference: string }) =>
      `The training step${by(d.where)} is not the same at two times: ${d.difference}. Declare a number that changes with context.scalar(), or set engine: "eager".`,
  ),
});
