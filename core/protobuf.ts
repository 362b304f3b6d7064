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
export const varint = (field: number, value: number | bigint): Field => {
  const encoded = new Uint8Array(digitCount(8 * field) + digitCount(value));
  putDigits(encoded, putDigits(encoded, 0, field * 8 + VARINT), value);
  return encoded;
};

/** A `float`, 4 bytes. */
export const float = (field: number, value: number): Field => {
  const encoded = new Uint8Array(digitCount(8 * field) + 4);
  putDigits(encoded, 0, field * 8 + FIXED32);
  new DataView(encoded.buffer).setFloat32(encoded.length - 4, value, true);
  return encoded;
};

/** A `double`, 8 bytes. */
export const double = (field: number, value: number): Field => {
  const encoded = new Uint8Array(digitCount(8 * field) + 8);
  putDigits(encoded, 0, field * 8 + FIXED64);
  new DataView(encoded.buffer).setFloat64(encoded.length - 8, value, true);
  return encoded;
};

export const bytes = (field: number, value: Uint8Array): Field => {
  const { encoded, at } = delimited(field, value.length);
  encoded.set(value, at);
  return encoded;
};

export const string = (field: number, value: string): Field => {
  const { encoded, at } = delimited(field, Buffer.byteLength(value));
  encoded.write(value, at);
  return encoded;
};

export const message = (field: number, fields: readonly Field[]): Field => bytes(field, joined(fields));

export const packedVarints = (field: number, values: readonly (number | bigint)[]): Field => {
  const { encoded, at } = delimited(
    field,
    values.reduce<number>((length, value) => length + digitCount(value), 0),
  );
  let end = at;
  for (const value of values) end = putDigits(encoded, end, value);
  return encoded;
};

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

/** A field of `length` bytes, which go to `at`. */
function delimited(field: number, length: number): { readonly encoded: Buffer; readonly at: number } {
  const encoded = Buffer.allocUnsafe(digitCount(8 * field) + digitCount(length) + length);
  return { encoded, at: putDigits(encoded, putDigits(encoded, 0, field * 8 + LENGTH_DELIMITED), length) };
}

// Digits have base 128, the lowest comes first; all but the last have the high bit set.

function digitCount(value: number | bigint): number {
  let count = 1;
  if (isPlain(value)) {
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) count += 1;
  } else {
    for (let rest = BigInt.asUintN(64, BigInt(value)); rest > 127n; rest >>= 7n) count += 1;
  }
  return count;
}

/** Writes a value's digits from `at` on; returns where they end. */
function putDigits(into: Uint8Array, at: number, value: number | bigint): number {
  let end = at;
  if (isPlain(value)) {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) into[end++] = (rest % 128) | 128;
    into[end++] = rest;
  } else {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) into[end++] = Number(rest & 127n) | 128;
    into[end++] = Number(rest);
  }
  return end;
}

/** Whether arithmetic of plain numbers is exact. */
const isPlain = (value: number | bigint): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
