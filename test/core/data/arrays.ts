import type { DType, HostTensor } from "../../../core/data/host-tensor.ts";

/** One small array of every element type, with the values that are easiest to get wrong. */
export const everyType: Record<DType, HostTensor> = {
  // 1, −2, the smallest subnormal, infinity, 65504, 0
  float16: { dtype: "float16", shape: [2, 3], data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x7bff, 0) },
  float32: { dtype: "float32", shape: [2, 3], data: Float32Array.of(1.5, -2, 1e-40, Infinity, 3.4e38, -0) },
  float64: { dtype: "float64", shape: [6], data: Float64Array.of(Math.PI, -1e300, 5e-324, -Infinity, 0.1, 0) },
  int8: { dtype: "int8", shape: [3], data: Int8Array.of(-128, 127, 0) },
  int16: { dtype: "int16", shape: [3], data: Int16Array.of(-32768, 32767, 258) },
  int32: { dtype: "int32", shape: [1, 3], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 258) },
  int64: { dtype: "int64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  uint8: { dtype: "uint8", shape: [2, 1, 2], data: Uint8Array.of(0, 255, 7, 8) },
  uint16: { dtype: "uint16", shape: [2], data: Uint16Array.of(65535, 258) },
  uint32: { dtype: "uint32", shape: [], data: Uint32Array.of(2 ** 32 - 1) },
  uint64: { dtype: "uint64", shape: [0, 4], data: new BigUint64Array() },
  bool: { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
};
