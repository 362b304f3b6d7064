import { z } from "zod";
import { sha256 } from "../checkpoint/digest.ts";
import type { Json } from "../json.ts";
import * as proto from "../protobuf.ts";
import { readFields } from "../protobuf-reader.ts";
import { mapTree } from "../tree.ts";
import { exportErrors } from "./errors.ts";

/** What an exported file says about itself, by name; texts as they are, everything else as JSON. */
export type Metadata = Readonly<Record<string, Json>>;

/** What `mf infer` reads of it. */
const knownSchema = z.object({
  task: z.string(),
  run: z.string(),
  config: z.json() as z.ZodType<Json>,
  inputs: z.record(
    z.string(),
    z.object({
      shape: z.array(z.union([z.string(), z.number()])).transform(([, ...row]) => row as number[]),
      dtype: z.enum(["float32", "int32"]),
      description: z.string(),
      default: z.array(z.number()).exactOptional(),
    }),
  ),
});
export type KnownMetadata = z.output<typeof knownSchema>;

export const asTexts = (metadata: Metadata): Record<string, string> =>
  mapTree((value) => (typeof value === "string" ? value : JSON.stringify(value)), metadata);

/** The last entry: of all bytes before it. */
const CHECKSUM = "file_sha256";
/** onnx.proto: ModelProto {graph = 7, metadata_props = 14: {key = 1, value = 2}}. */
const GRAPH = 7;
const METADATA_PROPS = 14;

const entryField = ([key, text]: readonly [string, string]): proto.Field =>
  proto.message(METADATA_PROPS, [proto.string(1, key), proto.string(2, text)]);

/** An ONNX file with metadata at its end, and a checksum of everything. */
export function withMetadata(model: Uint8Array, metadata: Metadata): Uint8Array {
  const bytes = proto.joined([model, ...Object.entries(asTexts(metadata)).map(entryField)]);
  return proto.joined([bytes, entryField([CHECKSUM, sha256(bytes)])]);
}

/**
 * What an exported ONNX file says about itself. Throws MF_EXPORT_DAMAGED for bytes that are no ONNX file or have changed,
 * MF_EXPORT_FOREIGN for an ONNX file of other origin; `path` is for messages.
 */
export function readMetadata(bytes: Uint8Array, path: string): KnownMetadata {
  const texts = new Map<string, string>();
  let covered = 0;
  let holdsGraph = false;
  try {
    for (const { field, value, start } of readFields(bytes)) {
      holdsGraph ||= field === GRAPH;
      covered = 0;
      if (field !== METADATA_PROPS || typeof value === "number") continue;
      const entry = new Map(Array.from(readFields(value), (part) => [part.field, part.value]));
      const [key, text] = [entry.get(1), entry.get(2)].map(textOf);
      texts.set(key!, text!);
      if (key === CHECKSUM) covered = start;
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw exportErrors.MF_EXPORT_DAMAGED({ path, problem: cause.message }, { cause });
  }
  if (!holdsGraph) throw exportErrors.MF_EXPORT_DAMAGED({ path, problem: "it holds no graph" });
  const checksum = texts.get(CHECKSUM);
  if (checksum === undefined) throw exportErrors.MF_EXPORT_FOREIGN({ path });
  if (checksum !== sha256(bytes.subarray(0, covered))) {
    throw exportErrors.MF_EXPORT_DAMAGED({ path, problem: "it has changed since it was written" });
  }
  const json = (key: string): unknown => {
    try {
      return JSON.parse(texts.get(key) ?? "");
    } catch {
      return undefined;
    }
  };
  const found = { task: texts.get("task"), run: texts.get("run"), config: json("config"), inputs: json("inputs") };
  const known = knownSchema.safeParse(found);
  if (!known.success) {
    const { path: where, message } = known.error.issues[0]!;
    throw exportErrors.MF_EXPORT_DAMAGED({ path, problem: `its metadata "${where.join(".")}": ${message}` });
  }
  return known.data;
}

const textOf = (part: number | Uint8Array | undefined): string =>
  part instanceof Uint8Array ? Buffer.from(part).toString() : "";
