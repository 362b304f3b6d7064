import { defineErrors, ours } from "../../errors.ts";

/** What can go wrong when a graph is written as ONNX. */
export const onnxErrors = defineErrors({
  MF_ONNX_UNSUPPORTED: ours(
    (d: { node: string; origin: string | null; reason: string }) =>
      `${d.node}${d.origin === null ? "" : ` (recorded in ${d.origin})`} cannot be written as ONNX: ${d.reason}.`,
  ),
  MF_ONNX_NAME: ours(
    (d: { name: string }) =>
      `The ONNX graph would call two of its inputs and outputs "${d.name}". They share one set of names: rename one.`,
  ),
  MF_ONNX_INPUT: ours(
    (d: { name: string; known: readonly string[] }) =>
      `The graph reads the input "${d.name}", which is not among those listed (${d.known.join(", ")}). List it.`,
  ),
  MF_ONNX_BATCH_CONSTANT: ours(
    (d: { node: string; origin: string | null; shape: readonly number[] }) =>
      `${d.node}${d.origin === null ? "" : ` (recorded in ${d.origin})`} is a constant of shape [${d.shape}], one value a row of the batch, so the model cannot take other batch sizes. Make it an input, or the same for every row.`,
  ),
  MF_ONNX_BATCH_VALUE: ours(
    (d: { node: string; origin: string | null; value: number }) =>
      `${d.node}${d.origin === null ? "" : ` (recorded in ${d.origin})`} holds ${d.value}, which comes from the batch size, so the model cannot take other batch sizes. Compute it without the number of rows.`,
  ),
  MF_ONNX_BATCH_INPUT: ours(
    (d: { name: string }) =>
      `No input of the ONNX graph has the dimension "${d.name}", but a shape in it does. Give the graph an input with a row each.`,
  ),
});
