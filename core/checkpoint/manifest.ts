import { createRequire } from "node:module";
import { z } from "zod";
import type { DType, HostTensor } from "../data/host-tensor.ts";
import { encodeSafetensors } from "../data/safetensors.ts";
import { errors } from "../errors.ts";
import type { Json } from "../json.ts";
import { canonicalJson, sha256, weightsDigest } from "./digest.ts";

export const FORMAT = 1;
export const MANIFEST_FILE = "manifest.json";
export const TENSORS_FILE = "tensors.safetensors";

const count = z.number().int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const json = z.json() as z.ZodType<Json>;
// JSON has no NaN and no infinity; both are written as null.
const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const dtypes = [
  "float16",
  "float32",
  "float64",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
] as const satisfies readonly DType[];

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  /** Version of MotionForge that wrote it. */
  motionforge: z.string(),
  /** ISO 8601. */
  created: z.string(),
  preset: z.string().nullable(),
  config: json,
  /** SHA-256 of the canonical JSON of `config`. */
  configHash: hash,
  clock: z.object({ steps: count, skipped: count.default(0), batches: count, samples: count, epochs: count }),
  /** Where the training data is read on. */
  cursor: z.object({ epoch: count, position: count, seed: z.number() }),
  seed: z.number(),
  /** By full name. A value that was NaN or infinite is read as NaN. */
  metrics: z.record(z.string(), measured),
  /** Why the run ended; null while it goes on. */
  stopReason: z.string().nullable(),
  plugins: z.array(z.object({ name: z.string(), stateVersion: count, options: json })),
  /** What each plugin keeps between steps, by the plugin's name. */
  memory: z.record(z.string(), json),
  environment: json,
  tensors: z.object({
    file: z.string(),
    bytes: count,
    sha256: hash,
    entries: z.record(z.string(), z.object({ dtype: z.enum(dtypes), shape: z.array(count) })),
  }),
  /** SHA-256 over the parameters alone: equal weights, equal text. */
  weightsSha256: hash,
});

/** Everything a checkpoint says about itself. No code and no class name is ever read from it. */
export type Manifest = z.output<typeof manifestSchema>;

/** What the writer of a checkpoint says; the rest of the manifest is computed. */
export type ManifestDraft = Omit<
  Manifest,
  "format" | "motionforge" | "created" | "configHash" | "tensors" | "weightsSha256"
>;

/** Of MotionForge. */
export const { version } = createRequire(import.meta.url)("motionforge/package.json") as { version: string };

/** The two files of a checkpoint, ready to be written. */
export function encodeCheckpoint(
  draft: ManifestDraft,
  tensors: Readonly<Record<string, HostTensor>>,
): { manifest: Manifest; manifestText: string; tensorBytes: Uint8Array } {
  const tensorBytes = encodeSafetensors(tensors);
  const manifest: Manifest = {
    format: FORMAT,
    motionforge: version,
    created: new Date().toISOString(),
    ...draft,
    configHash: sha256(canonicalJson(draft.config)),
    tensors: {
      file: TENSORS_FILE,
      bytes: tensorBytes.length,
      sha256: sha256(tensorBytes),
      entries: Object.fromEntries(
        Object.entries(tensors).map(([path, { dtype, shape }]) => [path, { dtype, shape: [...shape] }]),
      ),
    },
    weightsSha256: weightsDigest(tensors),
  };
  const stored = JSON.parse(JSON.stringify(manifest)) as Record<string, Json>;
  const manifestText = `${JSON.stringify({ ...stored, checksum: checksumOf(stored) }, null, 2)}\n`;
  return { manifest, manifestText, tensorBytes };
}

const checksumOf = (stored: Readonly<Record<string, Json>>): string => sha256(canonicalJson(stored));

/**
 * Reads a manifest; `path` is the checkpoint's folder. Throws MF_CHECKPOINT_DAMAGED when it is not the text that was
 * written, MF_CHECKPOINT_NEWER for a later format.
 */
export function parseManifest(text: string, path: string): Manifest {
  const damaged = (problem: string, cause?: unknown) => errors.MF_CHECKPOINT_DAMAGED({ path, problem }, { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw damaged(`${MANIFEST_FILE} is not JSON, it may be cut off`, cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw damaged(`${MANIFEST_FILE} is not an object`);
  }
  const { checksum, ...stored } = parsed as Record<string, Json>;
  const format = stored["format"];
  if (typeof format === "number" && format > FORMAT) {
    throw errors.MF_CHECKPOINT_NEWER({ path, version: format, known: FORMAT });
  }
  if (checksum !== checksumOf(stored)) throw damaged(`${MANIFEST_FILE} differs from its checksum`);
  const result = manifestSchema.safeParse(stored);
  if (!result.success) {
    const { path: where, message } = result.error.issues[0]!;
    throw damaged(`${MANIFEST_FILE}: ${where.join(".")}: ${message}`);
  }
  return result.data;
}
