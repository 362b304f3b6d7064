/** Reads Protocol Buffers' wire format, as far as ONNX uses it. */

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
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 63) throw new RangeError("it has a number of too many bytes");
    }
    throw new RangeError("it is cut off");
  };
  while (at < message.length) {
    const start = at;
    const tag = varint();
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) {
      yield { field, value: varint(), start };
      continue;
    }
    const length = wireType === 2 ? varint() : FIXED_BYTES[wireType];
    if (length === undefined || field === 0) throw new RangeError("it is no ONNX file");
    if (at + length > message.length) throw new RangeError("it is cut off");
    yield { field, value: message.subarray(at, at + length), start };
    at += length;
  }
}
