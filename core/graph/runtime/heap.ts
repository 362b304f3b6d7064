import { type DType, sizeOf } from "../node.ts";

/** Memory that a run reads from and writes to in place, such as a `WebAssembly.Memory`; its `buffer` may be replaced. */
export interface Heap {
  readonly buffer: ArrayBuffer;
}

/** A tensor in a heap, row-major. float32 and int32 take four bytes an element, bool one. */
export interface HeapTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Byte offset in the heap. */
  readonly address: number;
}

const VIEW = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export const byteLength = (tensor: HeapTensor): number => sizeOf(tensor.shape) * VIEW[tensor.dtype].BYTES_PER_ELEMENT;

/** The tensor's values; detached when the heap grows. Throws a `RangeError` for a tensor outside of the heap. */
export const viewOf = (heap: Heap, tensor: HeapTensor): Float32Array | Int32Array | Uint8Array =>
  new VIEW[tensor.dtype](heap.buffer, tensor.address, sizeOf(tensor.shape));
