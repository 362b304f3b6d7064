import type * as Ort from "onnxruntime-node";
import type { HostTensor } from "../../data/host-tensor.ts";

/** The runtime calls element types as we do. The values are not copied. */
export const ortTensor = (ort: typeof Ort, { dtype, shape, data }: HostTensor): Ort.Tensor =>
  new ort.Tensor(dtype as "float32", data as Float32Array, shape);

export const hostTensor = ({ type, dims, data }: Ort.Tensor): HostTensor =>
  ({ dtype: type, shape: dims, data }) as HostTensor;
