import * as tf from "@tensorflow/tfjs-core";
import { runtimeErrors } from "../graph/runtime/errors.ts";
import type { WasmMemory } from "../graph/tail/webassembly.ts";
import type { WasmBackend } from "./wasm-heap.ts";

/** A cache line, which the runtime's vector instructions like. */
const ALIGNMENT = 64;

/** The memory that tensors of the wasm backend lie in. */
export interface TensorMemory {
  /** Its `buffer` is replaced when it grows. */
  readonly memory: WasmMemory;
  /** Byte offset of a tensor's values, which stays until the tensor is disposed. */
  addressOf(tensor: tf.Tensor): number;
  /** Zeroed memory of no tensor, at a multiple of 64 bytes. Throws MF_GRAPH_MEMORY. */
  allocate(bytes: number): { readonly address: number; free(): void };
  /** True when no other tensor stands on the same values. */
  isOwn(tensor: tf.Tensor): boolean;
}

/** Null unless the wasm backend is in use. */
export function tensorMemory(): TensorMemory | null {
  if (tf.getBackend() !== "wasm") return null;
  const backend = tf.backend() as unknown as WasmBackend & tf.KernelBackend;
  const { wasm } = backend;
  return {
    memory: wasm.asm.memory,
    addressOf: ({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset,
    allocate(bytes) {
      // Larger sizes are taken for negative ones, and addresses above 2 GB come out as such.
      const start = bytes + ALIGNMENT < 2 ** 31 ? wasm._malloc(bytes + ALIGNMENT) >>> 0 : 0;
      if (start === 0) {
        throw runtimeErrors.MF_GRAPH_MEMORY({ model: "the training step", reason: `no ${bytes} bytes are left` });
      }
      const address = Math.ceil(start / ALIGNMENT) * ALIGNMENT;
      wasm.HEAPU8.fill(0, address, address + bytes);
      return { address, free: () => wasm._free(start) };
    },
    isOwn: ({ dataId }) => backend.refCount(dataId) === 1,
  };
}
