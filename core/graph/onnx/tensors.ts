import * as proto from "../../protobuf.ts";
import type { DType, Values } from "../node.ts";

/** What ONNX tensors of ours hold; int64 only in shapes and indices. */
export type ElementType = DType | "int64";

/** onnx.proto: TensorProto.DataType. */
export const elementTypeCode: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** A dimension of a named value: a number, or the name of one that is known at run time. */
export type Dimension = number | string;

/** onnx.proto: TensorProto {dims = 1, data_type = 2, name = 8, raw_data = 9}. */
export const tensorFields = (
  name: string,
  type: ElementType,
  shape: readonly number[],
  raw: Uint8Array,
): proto.Field[] => [
  ...shape.map((d) => proto.varint(1, d)),
  proto.varint(2, elementTypeCode[type]),
  proto.string(8, name),
  proto.bytes(9, raw),
];

/** onnx.proto: ValueInfoProto {name = 1, type = 2: {tensor_type = 1: {elem_type = 1, shape = 2: {dim = 1}}}}. */
export const valueInfoFields = (name: string, type: ElementType, shape: readonly Dimension[]): proto.Field[] => [
  proto.string(1, name),
  proto.message(2, [
    proto.message(1, [
      proto.varint(1, elementTypeCode[type]),
      proto.message(
        2,
        shape.map((d) => proto.message(1, [typeof d === "number" ? proto.varint(1, d) : proto.string(2, d)])),
      ),
    ]),
  ]),
];

/** Elements as ONNX lays them out: little-endian, a byte for a truth value. */
export function rawData(type: ElementType, values: ArrayLike<number>): Uint8Array {
  switch (type) {
    case "float32":
      return view(Float32Array.from(values));
    case "int32":
      return view(Int32Array.from(values));
    case "bool":
      return Uint8Array.from(values);
    case "int64":
      return view(BigInt64Array.from(Array.from(values, BigInt)));
  }
}

export const rawValues = (values: Values): Uint8Array => view(values);

const view = ({ buffer, byteOffset, byteLength }: Values | BigInt64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
