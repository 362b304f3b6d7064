/**
 * Writes Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding). A message is a list of encoded
 * fields; a repeated field is several of one number, or one packed.
 */
export type Field = Uint8Array;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** int32, int64, uint64, bool, enum; negative numbers as two's complement of 64 bits. */
export const varint = (field: number, value: number | bigint): Field =>
  Uint8Array.from([...tag(field, VARINT), ...digits(value)]);

/** A `float`, 4 bytes. */
export const float = (field: number, value: number): Field => {
  const encoded = new Uint8Array([...tag(field, FIXED32), 0, 0, 0, 0]);
  new DataView(encoded.buffer).setFloat32(encoded.length - 4, value, true);
  return encoded;
};

/** A `double`, 8 bytes. */
export const double = (field: number, value: number): Field => {
  const encoded = new Uint8Array([...tag(field, FIXED64), 0, 0, 0, 0, 0, 0, 0, 0]);
  new DataView(encoded.buffer).setFloat64(encoded.length - 8, value, true);
  return encoded;
};

export const bytes = (field: number, value: Uint8Array): Field =>
  joined([Uint8Array.from([...tag(field, LENGTH_DELIMITED), ...digits(value.length)]), value]);

export const string = (field: number, value: string): Field => bytes(field, Buffer.from(value, "utf8"));

export const message = (field: number, fields: readonly Field[]): Field => bytes(field, joined(fields));

export const packedVarints = (field: number, values: readonly (number | bigint)[]): Field =>
  bytes(field, Uint8Array.from(values.flatMap(digits)));

export const packedDoubles = (field: number, values: ArrayLike<number>): Field => {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) view.setFloat64(8 * i, values[i]!, true);
  return bytes(field, new Uint8Array(view.buffer));
};

/** The bytes of a whole message. */
export function joined(fields: readonly Field[]): Uint8Array {
  const all = new Uint8Array(fields.reduce((length, field) => length + field.length, 0));
  let at = 0;
  for (const field of fields) {
    all.set(field, at);
    at += field.length;
  }
  return all;
}

const tag = (field: number, wireType: number): number[] => digits(field * 8 + wireType);

/** Base 128, the lowest digit first; all but the last have the high bit set. */
function digits(value: number | bigint): number[] {
  // Most are tags and short lengths.
  if (typeof value === "number" && value >= 0 && value < 128) return [value];
  const result: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    result.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...result, Number(rest)];
}
