import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/*
 * A reader of `.wandb` files after W&B's own: wandb/sdk/internal/datastore.py for the container, wandb_internal.proto for
 * the records. It shares no code with the writer.
 */
type Message = Map<number, (bigint | Buffer)[]>;

function parse(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const field = tag >> 3;
    if ((tag & 7) === 0) add(message, field, varint());
    else if ((tag & 7) === 2) {
      const length = Number(varint());
      add(message, field, bytes.subarray(at, at + length));
      at += length;
    } else throw new Error(`wire type ${tag & 7} of field ${field} is not used by these records`);
  }
  return message;
}

const add = (message: Message, field: number, value: bigint | Buffer): void => {
  message.set(field, [...(message.get(field) ?? []), value]);
};
const all = (message: Message, field: number): Buffer[] => (message.get(field) ?? []) as Buffer[];
const text = (message: Message, field: number): string => all(message, field)[0]?.toString("utf8") ?? "";
const whole = (message: Message, field: number): number => Number(message.get(field)?.[0] ?? 0n);
const inner = (message: Message, field: number): Message => parse(all(message, field)[0] ?? Buffer.alloc(0));

/** Key and value, which is extended JSON: `NaN` and infinities become texts. */
const items = (message: Message, field: number): Record<string, unknown> =>
  Object.fromEntries(
    all(message, field).map((bytes) => {
      const item = parse(bytes);
      const value = text(item, 16);
      return [text(item, 1), /^(NaN|-?Infinity)$/.test(value) ? value : JSON.parse(value)];
    }),
  );

export interface ReadRecord {
  readonly kind: string;
  readonly number: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into records of every kind.
  readonly [field: string]: any;
}

const readers: Readonly<Record<number, [kind: string, read: (message: Message) => object]>> = {
  2: ["history", (m) => ({ row: items(m, 1), step: whole(inner(m, 2), 1) })],
  3: ["summary", (m) => ({ summary: items(m, 1) })],
  6: ["files", (m) => ({ paths: all(m, 1).map((file) => text(parse(file), 1)) })],
  8: ["artifact", (m) => ({ name: text(m, 5), type: text(m, 4), digest: text(m, 6), files: manifest(inner(m, 12)) })],
  17: [
    "run",
    (m) => ({
      ...{ id: text(m, 1), entity: text(m, 2), project: text(m, 3), group: text(m, 6), name: text(m, 8) },
      ...{ notes: text(m, 9), tags: all(m, 10).map(String), config: items(inner(m, 4), 1) },
      ...{ startedAt: whole(inner(m, 17), 1), resume: whole(m, 24) },
    }),
  ],
  18: ["exit", (m) => ({ code: whole(m, 1), runtime: whole(m, 2) })],
  20: ["final", () => ({})],
  21: ["header", (m) => ({ minConsumer: text(inner(m, 1), 2) })],
  22: ["footer", () => ({})],
};

const manifest = (m: Message): object[] =>
  all(m, 4).map((bytes) => {
    const file = parse(bytes);
    return { path: text(file, 1), digest: text(file, 2), size: whole(file, 4), localPath: text(file, 6) };
  });

export function readRecord(payload: Buffer): ReadRecord {
  const record = parse(payload);
  for (const [field, [kind, read]] of Object.entries(readers)) {
    if (record.has(Number(field))) return { kind, number: whole(record, 1), ...read(inner(record, Number(field))) };
  }
  throw new Error("a record of no known kind");
}

/** The payloads of a file; `damaged` where it does not end with a whole one. */
export function readPayloads(file: Buffer): { readonly payloads: Buffer[]; readonly damaged: boolean } {
  if (file.toString("latin1", 0, 4) !== ":W&B" || file.readUInt16LE(4) !== 0xbee1 || file.readUInt8(6) !== 0)
    throw new Error("no .wandb file");
  const payloads: Buffer[] = [];
  let parts: Buffer[] = [];
  let at = 7;
  while (at < file.length) {
    const left = 32_768 - (at % 32_768);
    if (left < 7) {
      at += left;
      continue;
    }
    if (at + 7 > file.length) return { payloads, damaged: true };
    const length = file.readUInt16LE(at + 4);
    const data = file.subarray(at + 7, at + 7 + length);
    const checked = crc32(Buffer.concat([file.subarray(at + 6, at + 7), data])) === file.readUInt32LE(at);
    if (data.length < length || !checked) return { payloads, damaged: true };
    const type = file.readUInt8(at + 6);
    if ((type === 1 || type === 2) !== (parts.length === 0)) throw new Error(`a chunk of type ${type} out of order`);
    parts.push(data);
    at += 7 + length;
    if (type === 1 || type === 4) {
      payloads.push(Buffer.concat(parts));
      parts = [];
    }
  }
  return { payloads, damaged: parts.length > 0 };
}

/** The one local run below a run's folder. */
export async function readLocalRun(runFolder: string) {
  const [name, ...others] = await readdir(join(runFolder, "wandb"));
  if (name === undefined || others.length > 0) throw new Error(`not one local run in ${runFolder}`);
  const folder = join(runFolder, "wandb", name);
  const file = (await readdir(folder)).find((entry) => entry.endsWith(".wandb"))!;
  const { payloads, damaged } = readPayloads(await readFile(join(folder, file)));
  const records = payloads.map(readRecord);
  const of = (kind: string): ReadRecord[] => records.filter((record) => record.kind === kind);
  return {
    ...{ folder, file: join(folder, file), records, damaged },
    rows: of("history").map(({ row }) => row as Record<string, unknown>),
    steps: of("history").map(({ step }) => step as number),
    run: of("run")[0]!,
    summary: (of("summary").at(-1)?.["summary"] ?? {}) as Record<string, unknown>,
    exit: of("exit")[0] ?? null,
  };
}
