import { errors } from "../errors.ts";
import type { DType, HostTensor, StorageOf } from "./host-tensor.ts";

/** Bytes of one element in memory and in files. */
export const elementBytes: Readonly<Record<DType, number>> = {
  float16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
};

const arrays = {
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/** Elements an array of `shape` holds; 1 for `[]`. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A zeroed array of storage for `count` elements. */
export const createStorage = <T extends DType>(dtype: T, count: number): StorageOf[T] =>
  new arrays[dtype](count) as StorageOf[T];

/** Copies little-endian (or, when asked, big-endian) bytes into storage of their own. Any byte but 0 is true in a bool. */
export function storageFromBytes<T extends DType>(dtype: T, bytes: Uint8Array, bigEndian = false): StorageOf[T] {
  const storage = createStorage(dtype, bytes.length / elementBytes[dtype]);
  new Uint8Array(storage.buffer).set(bytes);
  readInPlace(dtype, storage, bigEndian);
  return storage;
}

/** Makes elements of the bytes that a file's were read into storage as. */
export function readInPlace<T extends DType>(dtype: T, storage: StorageOf[T], bigEndian: boolean): void {
  const size = elementBytes[dtype];
  const bytes = Buffer.from(storage.buffer, storage.byteOffset, storage.byteLength);
  if (bigEndian && size === 2) bytes.swap16();
  if (bigEndian && size === 4) bytes.swap32();
  if (bigEndian && size === 8) bytes.swap64();
  if (dtype === "bool") for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i] === 0 ? 0 : 1;
}

/** The array's memory as bytes, shared with it. Throws MF_INTERNAL when the shape does not describe the data. */
export function bytesOf({ dtype, shape, data }: HostTensor): Uint8Array {
  if (elementCount(shape) !== data.length) {
    throw errors.MF_INTERNAL({
      problem: `An array of shape [${shape}] (${dtype}) holds ${data.length} elements, not ${elementCount(shape)}.`,
    });
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
