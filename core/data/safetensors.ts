import { z } from "zod";
import { errors } from "../errors.ts";
import { bytesOf, elementBytes, elementCount, storageFromBytes } from "./elements.ts";
import type { DType, HostTensor } from "./host-tensor.ts";

const codeOf: Readonly<Record<DType, string>> = {
  float16: "F16",
  float32: "F32",
  float64: "F64",
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  bool: "BOOL",
};
const dtypeOf = new Map(Object.entries(codeOf).map(([dtype, code]) => [code, dtype as DType]));

const METADATA = "__metadata__";
const ALIGNMENT = 64;

const metadataSchema = z.record(z.string(), z.string());
const size = z.number().int().nonnegative();
const entrySchema = z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });

export interface Safetensors {
  readonly tensors: Record<string, HostTensor>;
  readonly metadata: Record<string, string>;
}

/**
 * Writes tensors in the safetensors format of Hugging Face: the length of a JSON header, the header, the bytes.
 * The same tensors give the same file in whatever order they come. Wide elements lie first and the header is padded,
 * so that every tensor is aligned for a reader that maps the file.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const sorted = Object.entries(tensors).sort(
    ([a, x], [b, y]) => elementBytes[y.dtype] - elementBytes[x.dtype] || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = metadata === undefined ? [] : [[METADATA, sortKeys(metadata)]];
  let end = 0;
  for (const [name, tensor] of sorted) {
    if (name === METADATA) throw errors.MF_INTERNAL({ problem: `A tensor cannot be named "${METADATA}".` });
    const begin = end;
    end += bytesOf(tensor).length;
    header.push([name, { dtype: codeOf[tensor.dtype], shape: tensor.shape, data_offsets: [begin, end] }]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)), "utf8");
  const start = Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT;

  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start).set(json, 8);
  let at = start;
  for (const [, tensor] of sorted) {
    bytes.set(bytesOf(tensor), at);
    at += tensor.data.byteLength;
  }
  return bytes;
}

const sortKeys = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Reads a safetensors file, every offset checked: no gap, no overlap, nothing left over. Throws MF_FILE_FORMAT. */
export function decodeSafetensors(bytes: Uint8Array, path: string): Safetensors {
  const fail = (problem: string, cause?: unknown) => errors.MF_FILE_FORMAT({ path, problem }, { cause });
  if (bytes.length < 8) throw fail("its safetensors header is cut off");
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) throw fail("its safetensors header is cut off, or it is another kind of file");
  const start = 8 + Number(length);
  const data = bytes.subarray(start);

  const header = parseHeader(bytes.subarray(8, start), fail);
  const metadata = metadataSchema.safeParse(header[METADATA] ?? {});
  if (!metadata.success) throw fail("its metadata is not a record of texts");

  const found: { name: string; begin: number; end: number; tensor: HostTensor }[] = [];
  for (const [name, raw] of Object.entries(header)) {
    if (name === METADATA) continue;
    const entry = entrySchema.safeParse(raw);
    if (!entry.success) throw fail(`its header does not describe the tensor "${name}" (dtype, shape, data_offsets)`);
    const { shape, data_offsets } = entry.data;
    const [begin, end] = data_offsets;
    const dtype = dtypeOf.get(entry.data.dtype);
    if (dtype === undefined)
      throw fail(`its tensor "${name}" has the element type ${entry.data.dtype}, which is not read`);
    if (begin > end || end > data.length) {
      throw fail(`its tensor "${name}" ends at byte ${end} of ${data.length}: the file is cut off or damaged`);
    }
    if (elementCount(shape) * elementBytes[dtype] !== end - begin) {
      throw fail(`its tensor "${name}" of shape [${shape}] (${dtype}) has ${end - begin} bytes`);
    }
    found.push({
      name,
      begin,
      end,
      tensor: { dtype, shape, data: storageFromBytes(dtype, data.subarray(begin, end)) } as HostTensor,
    });
  }

  let covered = 0;
  for (const { name, begin, end } of [...found].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      throw fail(`its tensor "${name}" starts at byte ${begin}, but the one before it ends at ${covered}`);
    }
    covered = end;
  }
  if (covered !== data.length) throw fail(`${data.length - covered} bytes of it belong to no tensor`);
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { tensors: Object.fromEntries(found.map(({ name, tensor }) => [name, tensor])), metadata: metadata.data };
}

function parseHeader(json: Uint8Array, fail: (problem: string, cause?: unknown) => Error): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(json));
    if (typeof header === "object" && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (cause) {
    throw fail("its safetensors header is not JSON", cause);
  }
  throw fail("its safetensors header is not a JSON object");
}
