import { elementBytes, elementCount, storageFromBytes } from "../../data/elements.ts";
import type { DType, HostTensor } from "../../data/host-tensor.ts";
import type { CLibrary } from "./c-library.ts";
import { type Out, POINTER_BYTES, type Pointer } from "./c-table.ts";

/** `ONNXTensorElementDataType`. */
const ELEMENT_TYPE: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/**
 * Hands `take` a tensor that stands on `address`; `take` keeps its own reference to it, and somebody else the memory.
 */
export function withValue(
  c: CLibrary,
  address: number | bigint,
  byteLength: number,
  { dtype, shape }: { readonly dtype: DType; readonly shape: readonly number[] },
  take: (value: Pointer) => Pointer,
): void {
  const sizes = BigInt64Array.from(shape, BigInt);
  const type = ELEMENT_TYPE[dtype];
  const value = c.pointer((out) =>
    c.functions.CreateTensorWithDataAsOrtValue(c.cpuMemory, address, byteLength, sizes, sizes.length, type, out),
  );
  try {
    c.check(take(value));
  } finally {
    c.functions.ReleaseValue(value);
  }
}

/** Copies of the outputs that a run has left in the runtime's own memory, which is freed. */
export function takeOutputs(c: CLibrary, binding: Pointer, names: readonly string[]): Record<string, HostTensor> {
  const list: Out<bigint> = [null];
  const count = c.number((out) => c.functions.GetBoundOutputValues(binding, c.allocator, list, out));
  const values: bigint[] = Array.from({ length: count }, (_, i) =>
    c.koffi.decode(list[0], POINTER_BYTES * i, "void *"),
  );
  try {
    return Object.fromEntries(values.map((value, i) => [names[i]!, hostCopy(c, value)]));
  } finally {
    for (const value of values) c.functions.ReleaseValue(value);
    c.check(c.functions.AllocatorFree(c.allocator, list[0]));
  }
}

function hostCopy(c: CLibrary, value: Pointer): HostTensor {
  const info = c.pointer((out) => c.functions.GetTensorTypeAndShape(value, out));
  try {
    const elementType = c.number((out) => c.functions.GetTensorElementType(info, out));
    const dtype = (Object.keys(ELEMENT_TYPE) as DType[]).find((key) => ELEMENT_TYPE[key] === elementType);
    if (dtype === undefined) throw new Error(`an output has elements of type ${elementType}, which is not a number`);
    const sizes = new BigInt64Array(c.number((out) => c.functions.GetDimensionsCount(info, out)));
    c.check(c.functions.GetDimensions(info, sizes, sizes.length));
    const shape = Array.from(sizes, Number);
    const address = c.pointer((out) => c.functions.GetTensorMutableData(value, out));
    const byteLength = elementCount(shape) * elementBytes[dtype];
    const memory = byteLength === 0 ? new ArrayBuffer(0) : c.koffi.view(address, byteLength);
    const data = storageFromBytes(dtype, new Uint8Array(memory));
    return { dtype, shape, data } as HostTensor;
  } finally {
    c.functions.ReleaseTensorTypeAndShapeInfo(info);
  }
}
