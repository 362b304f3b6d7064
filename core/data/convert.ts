import { float32, type HostTensor } from "./host-tensor.ts";

/** The value of an IEEE 754 half-precision number from its 16 bits. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The same numbers rounded to float32; a float32 array is returned as it is. float64 beyond ±3.4e38 becomes infinite. */
export function toFloat32(tensor: HostTensor): HostTensor<"float32"> {
  const { dtype, shape, data } = tensor;
  switch (dtype) {
    case "float32":
      return tensor;
    case "float16":
      return float32(Float32Array.from(data, float16Value), shape);
    case "int64":
    case "uint64":
      return float32(Float32Array.from(data as ArrayLike<bigint>, Number), shape);
    default:
      return float32(Float32Array.from(data as ArrayLike<number>), shape);
  }
}
