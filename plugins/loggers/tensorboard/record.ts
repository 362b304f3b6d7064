/**
 * TFRecord framing (tensorflow/core/lib/io/record_writer.h): length as uint64, masked CRC of the length, the data, masked
 * CRC of the data; little-endian.
 */

const HEADER = 12;
const FOOTER = 4;

/** CRC-32C (Castagnoli, RFC 3720) by bytes; 0x82f63b78 is its polynomial, reflected. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** A CRC of data that contains CRCs is weak, so the format turns and shifts it (crc32c.h). */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER + data.length + FOOTER);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(data, HEADER);
  view.setUint32(HEADER + data.length, masked(crc32c(data)), true);
  return record;
}

/** The whole records of a file, each with where it ends, up to the first that is cut off or damaged. */
export function* readRecords(file: Uint8Array): Generator<{ readonly data: Uint8Array; readonly end: number }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let start = 0; start + HEADER <= file.length; ) {
    const length = Number(view.getBigUint64(start, true));
    const end = start + HEADER + length + FOOTER;
    const isHead = view.getUint32(start + 8, true) === masked(crc32c(file.subarray(start, start + 8)));
    if (!isHead || end > file.length) return;
    const data = file.subarray(start + HEADER, end - FOOTER);
    if (view.getUint32(end - FOOTER, true) !== masked(crc32c(data))) return;
    yield { data, end };
    start = end;
  }
}
