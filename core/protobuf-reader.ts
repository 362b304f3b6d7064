/** Reads Protocol Buffers' wire format, as far as ONNX and W&B use it. */

/** One field of a message. Nested messages, texts and packed lists are still bytes. */
export interface ReadField {
  readonly field: number;
  /** A whole number up to 2⁵³, or the bytes of anything else. */
  readonly value: number | Uint8Array;
  /** Where the field begins in its message, bytes. */
  readonly start: number;
}

const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The fields of a message in their order. Throws a `RangeError` that says why where bytes are not a message. */
export function* readFields(message: Uint8Array): Generator<ReadField> {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const start = cursor.at;
    const tag = readVarint(message, cursor);
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) {
      yield { field, value: readVarint(message, cursor), start };
      continue;
    }
    const length = wireType === 2 ? readVarint(message, cursor) : FIXED_BYTES[wireType];
    if (length === undefined || field === 0) throw new RangeError("it has a field of no known kind");
    const end = cursor.at + length;
    if (end > message.length) throw new RangeError("it is cut off");
    const value = message.subarray(cursor.at, end);
    cursor.at = end;
    yield { field, value, start };
  }
}

function readVarint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let scale = 1; cursor.at < message.length; scale *= 128) {
    const byte = message[cursor.at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    if (scale > 2 ** 63) throw new RangeError("it has a number of too many bytes");
  }
  throw new RangeError("it is cut off");
}
