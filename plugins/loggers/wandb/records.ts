import { type Field, joined, message, string, varint } from "../../../core/protobuf.ts";
import { readFields } from "../../../core/protobuf-reader.ts";

/**
 * The records of a `.wandb` file, as far as they are used here (wandb/proto/wandb_internal.proto). Values are texts of
 * extended JSON by key.
 */
export interface RunInfo {
  readonly id: string;
  /** Null for the key's default entity. */
  readonly entity: string | null;
  readonly project: string;
  readonly name: string;
  readonly group: string | null;
  readonly notes: string | null;
  readonly tags: readonly string[];
  readonly config: Values;
  readonly startedAt_ms: number;
  /** Rows of history that are not in this file, before its first: `wandb sync` then adds to what the server has. */
  readonly rowsBefore: number;
}

export type Values = ReadonlyMap<string, string>;

/** A file for W&B's artifact store, read where it lies. */
export interface ArtifactFile {
  /** Its name in the artifact. */
  readonly path: string;
  /** MD5, base64. */
  readonly digest: string;
  readonly bytes: number;
  readonly localPath: string;
}

export interface Artifact {
  readonly run: Pick<RunInfo, "id" | "entity" | "project">;
  readonly type: string;
  readonly name: string;
  /** MD5 of the manifest, hexadecimal. */
  readonly digest: string;
  readonly aliases: readonly string[];
  readonly files: readonly ArtifactFile[];
  /** Two random names by which W&B knows the version and its series. */
  readonly clientId: string;
  readonly sequenceClientId: string;
}

export interface Row {
  readonly step: number;
  readonly values: Values;
}

export type LocalRecord =
  | { readonly kind: "header" | "final" | "footer" }
  | { readonly kind: "run"; readonly run: RunInfo }
  | ({ readonly kind: "history" } & Row)
  | { readonly kind: "summary"; readonly values: Values }
  /** Paths below the run's `files` folder. */
  | { readonly kind: "files"; readonly paths: readonly string[] }
  | { readonly kind: "artifact"; readonly artifact: Artifact }
  | { readonly kind: "exit"; readonly code: number; readonly runtime_s: number };

const FIELD = {
  ...{ history: 2, summary: 3, files: 6, artifact: 8, run: 17, exit: 18, final: 20, header: 21, footer: 22 },
} as const satisfies Record<LocalRecord["kind"], number>;

/** Of a run record. The second is our own, of a number that W&B leaves to others and skips. */
const RESUME = 24;
const ROWS_BEFORE = 50_000;

/** The oldest W&B that reads such files. */
const MIN_CONSUMER = "0.70.0";

export const encodeRecord = (record: LocalRecord, number: number): Uint8Array =>
  joined([varint(1, number), message(FIELD[record.kind], bodyOf(record))]);

function bodyOf(record: LocalRecord): Field[] {
  switch (record.kind) {
    case "header":
      return [message(1, [string(1, "motionforge"), string(2, MIN_CONSUMER)])];
    case "run":
      return runBody(record.run);
    case "history":
      return [...items(1, record.values), message(2, [varint(1, record.step)])];
    case "summary":
      return items(1, record.values);
    case "files":
      return record.paths.map((path) => message(1, [string(1, path)]));
    case "artifact":
      return artifactBody(record.artifact);
    case "exit":
      return [varint(1, record.code), varint(2, Math.round(record.runtime_s))];
    case "final":
    case "footer":
      return [];
  }
}

const items = (field: number, values: Values): Field[] =>
  Array.from(values, ([key, text]) => message(field, [string(1, key), string(16, text)]));

const optional = (field: number, text: string | null): Field[] => (text === null ? [] : [string(field, text)]);

const runBody = (run: RunInfo): Field[] => [
  string(1, run.id),
  ...optional(2, run.entity),
  string(3, run.project),
  message(4, items(1, run.config)),
  ...optional(6, run.group),
  string(8, run.name),
  ...optional(9, run.notes),
  ...run.tags.map((tag) => string(10, tag)),
  message(17, [varint(1, Math.floor(run.startedAt_ms / 1000)), varint(2, (run.startedAt_ms % 1000) * 1e6)]),
  ...(run.rowsBefore > 0 ? [varint(RESUME, 1), varint(ROWS_BEFORE, run.rowsBefore)] : []),
];

const artifactBody = (artifact: Artifact): Field[] => [
  string(1, artifact.run.id),
  string(2, artifact.run.project),
  ...optional(3, artifact.run.entity),
  string(4, artifact.type),
  string(5, artifact.name),
  string(6, artifact.digest),
  ...artifact.aliases.map((alias) => string(11, alias)),
  message(12, [
    varint(1, 1),
    string(2, "wandb-storage-policy-v1"),
    message(3, [string(1, "storageLayout"), string(2, '"V2"')]),
    ...artifact.files.map(({ path, digest, bytes, localPath }) =>
      message(4, [string(1, path), string(2, digest), varint(4, bytes), string(6, localPath)]),
    ),
  ]),
  varint(14, 1),
  string(15, artifact.clientId),
  string(16, artifact.sequenceClientId),
  string(20, "MANIFEST_MD5"),
];

/** What a payload says; null for records of other kinds. */
export function decodeRecord(payload: Uint8Array): LocalRecord | null {
  for (const { field, value } of readFields(payload)) {
    if (typeof value === "number") continue;
    const fields = Array.from(readFields(value));
    switch (field) {
      case FIELD.run:
        return { kind: "run", run: decodeRun(fields) };
      case FIELD.history:
        return { kind: "history", step: numberIn(readMessage(fields, 2), 1), values: decodeItems(fields, 1) };
      case FIELD.files:
        return { kind: "files", paths: bytesIn(fields, 1).map((file) => textIn(Array.from(readFields(file)), 1)) };
      case FIELD.artifact:
        return { kind: "artifact", artifact: decodeArtifact(fields) };
      case FIELD.exit:
        return { kind: "exit", code: numberIn(fields, 1), runtime_s: numberIn(fields, 2) };
      case FIELD.summary:
        return { kind: "summary", values: decodeItems(fields, 1) };
    }
  }
  return null;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const textOf = (value: number | Uint8Array): string => decoder.decode(value as Uint8Array);

type Fields = readonly { readonly field: number; readonly value: number | Uint8Array }[];

const bytesIn = (fields: Fields, number: number): Uint8Array[] =>
  fields.filter(({ field }) => field === number).map(({ value }) => value as Uint8Array);
const textsIn = (fields: Fields, number: number): string[] => bytesIn(fields, number).map(textOf);
const textIn = (fields: Fields, number: number): string => textsIn(fields, number)[0] ?? "";
const numberIn = (fields: Fields, number: number): number =>
  (fields.find(({ field }) => field === number)?.value as number | undefined) ?? 0;
const readMessage = (fields: Fields, number: number): Fields =>
  bytesIn(fields, number).flatMap((value) => Array.from(readFields(value)));

function decodeItems(fields: Fields, number: number): Values {
  const values = new Map<string, string>();
  for (const { field, value } of fields) {
    if (field !== number) continue;
    let [key, text] = ["", ""];
    for (const inner of readFields(value as Uint8Array)) {
      if (inner.field === 1) key = textOf(inner.value);
      if (inner.field === 16) text = textOf(inner.value);
    }
    values.set(key, text);
  }
  return values;
}

function decodeRun(fields: Fields): RunInfo {
  const started = readMessage(fields, 17);
  return {
    id: textIn(fields, 1),
    entity: textsIn(fields, 2)[0] ?? null,
    project: textIn(fields, 3),
    config: decodeItems(readMessage(fields, 4), 1),
    group: textsIn(fields, 6)[0] ?? null,
    name: textIn(fields, 8),
    notes: textsIn(fields, 9)[0] ?? null,
    tags: textsIn(fields, 10),
    startedAt_ms: numberIn(started, 1) * 1000 + numberIn(started, 2) / 1e6,
    rowsBefore: numberIn(fields, ROWS_BEFORE),
  };
}

function decodeArtifact(fields: Fields): Artifact {
  const manifest = readMessage(fields, 12);
  return {
    run: { id: textIn(fields, 1), project: textIn(fields, 2), entity: textsIn(fields, 3)[0] ?? null },
    type: textIn(fields, 4),
    name: textIn(fields, 5),
    digest: textIn(fields, 6),
    aliases: textsIn(fields, 11),
    files: bytesIn(manifest, 4).map((entry) => {
      const inner = Array.from(readFields(entry));
      return {
        path: textIn(inner, 1),
        digest: textIn(inner, 2),
        bytes: numberIn(inner, 4),
        localPath: textIn(inner, 6),
      };
    }),
    clientId: textIn(fields, 15),
    sequenceClientId: textIn(fields, 16),
  };
}
