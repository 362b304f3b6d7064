/** A message's fields as they come: numbers of varints, bytes of the others. */
export function fieldsOf(bytes: Uint8Array): [field: number, value: number | Uint8Array][] {
  const fields: [number, number | Uint8Array][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [tag >> 3, tag & 7];
    if (type === 0) {
      fields.push([field, varint()]);
    } else {
      const length = type === 2 ? varint() : type === 1 ? 8 : 4;
      fields.push([field, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return fields;
}

/** The values of one field that hold messages or texts. */
export const all = (bytes: Uint8Array, field: number): Uint8Array[] =>
  fieldsOf(bytes).flatMap(([f, value]) => (f === field && typeof value !== "number" ? [value] : []));
export const texts = (bytes: Uint8Array, field: number): string[] =>
  all(bytes, field).map((text) => Buffer.from(text).toString("utf8"));
export const numbers = (bytes: Uint8Array, field: number): number[] =>
  fieldsOf(bytes).flatMap(([f, value]) => (f === field && typeof value === "number" ? [value] : []));

/** ModelProto.graph, and what is in it. */
export const graphOf = (model: Uint8Array): Uint8Array => all(model, 7)[0]!;
export const nodesOf = (graph: Uint8Array): { op: string; inputs: string[]; outputs: string[]; bytes: Uint8Array }[] =>
  all(graph, 1).map((node) => ({
    op: texts(node, 4)[0]!,
    inputs: texts(node, 1),
    outputs: texts(node, 2),
    bytes: node,
  }));
export const initializersOf = (graph: Uint8Array): { name: string; shape: number[] }[] =>
  all(graph, 5).map((tensor) => ({ name: texts(tensor, 8)[0]!, shape: numbers(tensor, 1) }));
/** The body of a Loop node. */
export const bodyOf = (node: Uint8Array): Uint8Array => all(all(node, 5)[0]!, 6)[0]!;
