import * as tf from "@tensorflow/tfjs-core";
import type { WasmMemory } from "../graph/tail/webassembly.ts";

/** The parts of tfjs-backend-wasm's backend object that our kernels use; its published types do not resolve. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm: { readonly memory: WasmMemory };
    /** 0 when there is no more memory. */
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } };
  /** May grow the heap, after which every older view of it is detached. */
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  /** One more tensor stands on this data; it is freed with the last. */
  incRef(dataId: object): void;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** A kernel call; `Inputs` and `Attrs` are those of the tfjs kernel of that name. */
export interface WasmCall<Inputs, Attrs = unknown> {
  readonly inputs: Inputs;
  readonly backend: WasmBackend;
  readonly attrs: Attrs;
}

export type WasmKernel<Inputs, Attrs = unknown> = (call: WasmCall<Inputs, Attrs>) => tf.TensorInfo;

const shipped = new Map<string, tf.KernelConfig>();

/**
 * Replaces the wasm backend's kernel; `make` gets the shipped one for the calls it does not take. Replacing twice does
 * not stack: `make` never sees an earlier replacement.
 */
export function replaceKernel<Inputs, Attrs>(
  kernelName: string,
  make: (shipped: WasmKernel<Inputs, Attrs>) => WasmKernel<Inputs, Attrs>,
): void {
  const config = shipped.get(kernelName) ?? tf.getKernel(kernelName, "wasm");
  shipped.set(kernelName, config);
  const kernel = make(config.kernelFunc as unknown as WasmKernel<Inputs, Attrs>);
  tf.registerKernel({ ...config, kernelFunc: kernel as unknown as tf.KernelFunc });
}

/** Gives the wasm backend its own kernel back. */
export function restoreKernel(kernelName: string): void {
  const config = shipped.get(kernelName);
  if (config !== undefined) tf.registerKernel(config);
}

/** The float32 values of a tensor, as a view of the heap that lives until the next `makeOutput`. */
export const floatsOf = (backend: WasmBackend, tensor: tf.TensorInfo): Float32Array =>
  backend.typedArrayFromHeap(tensor) as Float32Array;
