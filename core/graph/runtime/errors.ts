import { defineErrors, ours, user } from "../../errors.ts";

/** How to get the runtime; the variable keeps its install script from fetching CUDA libraries. */
export const INSTALL_RUNTIME = "ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node";

export const runtimeErrors = defineErrors({
  MF_RUNTIME_MISSING: user(
    (d: { reason: string }) => `ONNX Runtime is not usable here: ${d.reason}. Install it with: ${INSTALL_RUNTIME}`,
  ),
  MF_RUNTIME_API: user(
    (d: { reason: string }) =>
      `ONNX Runtime's C API is not usable here: ${d.reason}. Install koffi, or use api "node".`,
  ),
  MF_DEVICE_MISSING: user(
    (d: { device: string; reason: string; install: string }) =>
      `Device "${d.device}" is not usable here: ${d.reason}. ${d.install}`,
  ),
  MF_MODEL_REFUSED: user(
    (d: { model: string; reason: string }) =>
      `ONNX Runtime refused ${d.model}: ${d.reason}. A file is damaged or made for another runtime: export it again. A training step runs with engine: "eager".`,
  ),
  MF_GRAPH_MEMORY: user(
    (d: { model: string; reason: string }) =>
      `Memory ran out in ${d.model}: ${d.reason}. Use a smaller batch size, or accumulate gradients over several.`,
  ),
  MF_GRAPH_RUN: ours((d: { model: string; reason: string }) => `ONNX Runtime failed in ${d.model}: ${d.reason}.`),
});

/** Whatever was thrown, as the clause of a sentence: one line, no full stop, no places in the runtime's source. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .replace(/\s+/g, " ")
    .replace(/^.*? was false\. /, "")
    .replace(/\S*onnxruntime_src\S*:\d+ /g, "")
    .trim()
    .replace(/\.$/, "");

const OUT_OF_MEMORY = /failed to allocate memory|bad_alloc|bad allocation|out of memory|array buffer allocation/i;

/** The error of a session that could not be made. */
export const refusal = (model: string, cause: unknown): Error => failure("MF_MODEL_REFUSED", model, cause);

/** The error of a run that failed. */
export const runFailure = (model: string, cause: unknown): Error => failure("MF_GRAPH_RUN", model, cause);

function failure(code: "MF_MODEL_REFUSED" | "MF_GRAPH_RUN", model: string, cause: unknown): Error {
  const reason = reasonOf(cause);
  return runtimeErrors[OUT_OF_MEMORY.test(reason) ? "MF_GRAPH_MEMORY" : code]({ model, reason }, { cause });
}
