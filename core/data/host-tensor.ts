/** Element types that files and batches may hold. Names follow NumPy. */
export type DType =
  | "float16"
  | "float32"
  | "float64"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool";

/** Raw storage of each element type. float16 is kept as its bits; bool as 0 or 1 bytes. */
export interface StorageOf {
  float16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
}

/** An array on the host, row-major. */
export type HostTensor<T extends DType = DType> = {
  [K in T]: { readonly dtype: K; readonly shape: readonly number[]; readonly data: StorageOf[K] };
}[T];

/** Named arrays whose first dimension is the batch: `[B, …]`. What a dataset yields and the step is fed. */
export type HostBatch = Readonly<Record<string, HostTensor<"float32" | "int32">>>;

export const float32 = (data: Float32Array, shape: readonly number[]): HostTensor<"float32"> => ({
  dtype: "float32",
  shape,
  data,
});
