/** onnx.proto: ModelProto {metadata_props = 14: {key = 1, value = 2}}. */
const METADATA_PROPS = 14;

/** What an exported file says about itself, by key: text, lists and objects as JSON. ONNX Runtime keeps it from pages. */
export function readMetadata(bytes) {
  const text = (part) => new TextDecoder().decode(part);
  const entries = [...fields(bytes)].filter(([field]) => field === METADATA_PROPS);
  return Object.fromEntries(entries.map(([, entry]) => [...fields(entry)].map(([, part]) => text(part))));
}

/** The fields of a Protocol Buffers message that have a length: texts, messages, lists. */
function* fields(message) {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if (tag % 8 === 0) varint();
    else if (tag % 8 === 2) {
      const length = varint();
      yield [Math.floor(tag / 8), message.subarray(at, at + length)];
      at += length;
    } else throw new Error("This is no ONNX file.");
  }
}
