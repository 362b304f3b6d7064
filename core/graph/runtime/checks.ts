import type { HostTensor } from "../../data/host-tensor.ts";
import { sizeOf } from "../node.ts";
import { runtimeErrors } from "./errors.ts";
import { byteLength, type Heap, type HeapTensor } from "./heap.ts";

// Native code takes what it is given: a missing input or a tensor that is too short would be read all the same.

/** Throws `MF_GRAPH_RUN` unless the model's inputs are given, all of them and no others. */
function checkInputs(model: string, names: readonly string[], given: Readonly<Record<string, unknown>>): void {
  for (const name of names) if (!(name in given)) refuse(model, `its input "${name}" is not given`);
  for (const name of Object.keys(given)) if (!names.includes(name)) refuse(model, `it has no input "${name}"`);
}

/** Throws `MF_GRAPH_RUN` unless the feeds are the model's inputs and hold as many values as their shapes say. */
export function checkFeeds(model: string, names: readonly string[], feeds: Readonly<Record<string, HostTensor>>): void {
  checkInputs(model, names, feeds);
  for (const [name, { shape, data }] of Object.entries(feeds))
    if (data.length !== sizeOf(shape)) refuse(model, `its input "${name}" has ${data.length} values for [${shape}]`);
}

/** Throws `MF_GRAPH_RUN` unless every tensor belongs to an input or output of the model and lies in the heap. */
export function checkBinding(
  model: string,
  names: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  heap: Heap,
  inputs: Readonly<Record<string, HeapTensor>>,
  outputs: Readonly<Record<string, HeapTensor>>,
): void {
  checkInputs(model, names.inputs, inputs);
  for (const name of Object.keys(outputs))
    if (!names.outputs.includes(name)) refuse(model, `it has no output "${name}"`);
  for (const [name, tensor] of [...Object.entries(inputs), ...Object.entries(outputs)]) {
    const { address, dtype, shape } = tensor;
    const aligned = Number.isSafeInteger(address) && address >= 0 && (dtype === "bool" || address % 4 === 0);
    if (!aligned || address + byteLength(tensor) > heap.buffer.byteLength)
      refuse(
        model,
        `"${name}" (${dtype} [${shape}] at ${address}) is not in the heap of ${heap.buffer.byteLength} bytes`,
      );
  }
}

function refuse(model: string, reason: string): never {
  throw runtimeErrors.MF_GRAPH_RUN({ model, reason });
}
