import { errors } from "../errors.ts";
import { bytesOf, createStorage, elementBytes, elementCount, storageFromBytes } from "./elements.ts";
import type { DType, HostTensor, StorageOf } from "./host-tensor.ts";

/** What the head of an NPY file says about the elements that follow at `offset`. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly bigEndian: boolean;
  /** Column-major. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly offset: number;
}

/** Version 1 headers are at most this long; later versions exist for structured arrays. */
export const NPY_HEADER_LIMIT = 2 ** 16 + 10;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const descrOf: Readonly<Record<DType, string>> = {
  float16: "<f2",
  float32: "<f4",
  float64: "<f8",
  int8: "|i1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  uint16: "<u2",
  uint32: "<u4",
  uint64: "<u8",
  bool: "|b1",
};
const dtypeOf = new Map(Object.entries(descrOf).map(([dtype, descr]) => [descr.slice(1), dtype as DType]));

/**
 * Reads the head of an NPY file, versions 1 to 3 of numpy.lib.format. Throws MF_FILE_FORMAT for anything that is not a
 * plain array of numbers or booleans.
 */
export function parseNpyHeader(bytes: Uint8Array, path: string): NpyHeader {
  const fail = (problem: string) => errors.MF_FILE_FORMAT({ path, problem });
  if (bytes.length < 10) throw fail("its NPY header is cut off");
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw fail("it does not start as an NPY file does");
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw fail(`it is NPY version ${version}; versions 1 to 3 are read`);

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw fail("its NPY header is cut off");
  const offset = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < offset) throw fail("its NPY header is cut off");
  const text = Buffer.from(bytes.subarray(start, offset)).toString(version === 3 ? "utf8" : "latin1");

  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) throw fail("its NPY header is not a Python dictionary");
  if (/'descr'\s*:\s*\[/.test(body)) throw fail("it is a structured array; save each field as an array of its own");
  const descr = /(['"])descr\1\s*:\s*(['"])(.*?)\2/.exec(body)?.[3];
  const order = /(['"])fortran_order\1\s*:\s*(True|False)\b/.exec(body)?.[2];
  const sizes = /(['"])shape\1\s*:\s*\(([^()]*)\)/.exec(body)?.[2];
  if (descr === undefined || order === undefined || sizes === undefined) {
    throw fail("its NPY header lacks descr, fortran_order or shape");
  }

  const dtype = /^[<>=|]/.test(descr) ? dtypeOf.get(descr.slice(1)) : undefined;
  if (dtype === undefined) throw fail(`its element type is ${elementName(descr)}; save numbers or booleans`);
  const shape = parseShape(sizes);
  if (shape === undefined || !Number.isSafeInteger(elementCount(shape) * elementBytes[dtype])) {
    throw fail(`its shape (${sizes}) is not one`);
  }
  return { dtype, bigEndian: descr.startsWith(">"), fortran: order === "True", shape, offset };
}

function elementName(descr: string): string {
  if (/^.?O/.test(descr)) return "object (pickled Python values)";
  if (/^.?c/.test(descr)) return `complex ("${descr}")`;
  if (/^.?[USa]/.test(descr)) return `text ("${descr}")`;
  return `"${descr}"`;
}

function parseShape(sizes: string): number[] | undefined {
  const parts = sizes.split(",").map((part) => part.trim());
  // Python writes one dimension as "(5,)" and none as "()".
  if (parts.at(-1) === "") parts.pop();
  // "L" ends the integers that Python 2 wrote.
  return parts.every((part) => /^\d+L?$/.test(part)) ? parts.map((part) => Number.parseInt(part, 10)) : undefined;
}

/** Reads an NPY file, little- or big-endian, row- or column-major, as a row-major array. Throws MF_FILE_FORMAT. */
export function decodeNpy(bytes: Uint8Array, path: string): HostTensor {
  const { dtype, bigEndian, fortran, shape, offset } = parseNpyHeader(bytes, path);
  const expected = elementCount(shape) * elementBytes[dtype];
  const found = bytes.length - offset;
  if (found !== expected) {
    const why = found < expected ? "it is cut off" : "something follows the array";
    throw errors.MF_FILE_FORMAT({
      path,
      problem: `its header promises ${expected} bytes of data and ${found} are there: ${why}`,
    });
  }
  const data = storageFromBytes(dtype, bytes.subarray(offset), bigEndian);
  return { dtype, shape, data: fortran && shape.length > 1 ? toRowMajor(dtype, data, shape) : data } as HostTensor;
}

function toRowMajor<T extends DType>(dtype: T, columns: StorageOf[T], shape: readonly number[]): StorageOf[T] {
  const rows = createStorage(dtype, columns.length);
  // Element (i₀, i₁, …) of a column-major array sits at i₀ + n₀·(i₁ + n₁·(…)).
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < rows.length; to++) {
    rows[to] = columns[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return rows;
}

/** Writes an NPY file as NumPy does: version 1, little-endian, row-major, the elements aligned to 64 bytes. */
export function encodeNpy(tensor: HostTensor): Uint8Array {
  const data = bytesOf(tensor);
  const { dtype, shape } = tensor;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${descrOf[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const offset = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(offset + data.length);
  bytes.set([...MAGIC, 1, 0, (offset - 10) & 0xff, (offset - 10) >> 8]);
  bytes.set(Buffer.from(`${header.padEnd(offset - 11)}\n`, "latin1"), 10);
  bytes.set(data, offset);
  return bytes;
}
