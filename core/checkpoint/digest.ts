import { createHash } from "node:crypto";
import { bytesOf } from "../data/elements.ts";
import type { HostTensor } from "../data/host-tensor.ts";
import type { Json } from "../json.ts";

const SLICE = 2 ** 26;

/** Hexadecimal SHA-256 of texts and bytes in a row. */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    if (typeof part === "string") hash.update(part, "utf8");
    // A hash takes at most 2 GiB at once.
    else for (let at = 0; at < part.length; at += SLICE) hash.update(part.subarray(at, at + SLICE));
  }
  return hash.digest("hex");
}

/** JSON without spaces and with sorted keys: equal values give equal text. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
}

/** SHA-256 of the tensors under `params/`, by path: equal for equal weights, whatever else a checkpoint holds. */
export function weightsDigest(tensors: Readonly<Record<string, HostTensor>>): string {
  const params = Object.entries(tensors).filter(([path]) => path.startsWith("params/"));
  params.sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(
    ...params.flatMap(([path, tensor]) => [`${JSON.stringify([path, tensor.dtype, tensor.shape])}\n`, bytesOf(tensor)]),
  );
}
