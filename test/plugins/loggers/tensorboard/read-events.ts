import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A reader of TensorBoard's event files that shares nothing with the writer; it throws where a byte is wrong. */

/** CRC-32C bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** `crc32c::Unmask` of LevelDB. */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function* records(file: Buffer): Generator<Buffer> {
  let at = 0;
  const checked = (length: number): Buffer => {
    const bytes = file.subarray(at, at + length);
    if (bytes.length < length) throw new Error(`cut off at byte ${at}`);
    if (crc32c(bytes) !== unmask(file.readUInt32LE(at + length))) throw new Error(`wrong checksum at byte ${at}`);
    at += length + 4;
    return bytes;
  };
  while (at < file.length) yield checked(Number(checked(8).readBigUInt64LE()));
}

type Message = Map<number, (bigint | Buffer)[]>;

function decode(bytes: Buffer): Message {
  const message: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error("a field is cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = { 0: varint, 1: () => take(8), 2: () => take(Number(varint())), 5: () => take(4) }[tag & 7];
    if (read === undefined) throw new Error(`wire type ${tag & 7}`);
    const values = message.get(tag >> 3) ?? [];
    values.push(read());
    message.set(tag >> 3, values);
  }
  return message;
}

const one = (message: Message, field: number): Buffer | undefined => message.get(field)?.[0] as Buffer | undefined;
const text = (message: Message, field: number): string | undefined => one(message, field)?.toString("utf8");
const number = (message: Message, field: number): number => Number((message.get(field)?.[0] ?? 0n) as bigint);

export interface ReadValue {
  readonly tag: string;
  /** The dashboard it is for; null for a plain number. */
  readonly plugin: string | null;
  readonly content: Buffer;
  readonly dataClass: number;
  readonly value?: number;
  readonly tensor?: {
    readonly dtype: number;
    readonly shape: number[];
    readonly bytes: Buffer;
    readonly strings: Buffer[];
  };
}

export interface ReadEvent {
  readonly seconds: number;
  readonly step: number;
  readonly version?: string;
  /** SessionLog.status: 1 is START. */
  readonly session?: number;
  readonly values: readonly ReadValue[];
}

function toValue(bytes: Buffer): ReadValue {
  const value = decode(bytes);
  const metadata = decode(one(value, 9) ?? Buffer.alloc(0));
  const plugin = decode(one(metadata, 1) ?? Buffer.alloc(0));
  const simple = one(value, 2);
  const tensor = one(value, 8);
  return {
    tag: text(value, 1)!,
    plugin: text(plugin, 1) ?? null,
    content: one(plugin, 2) ?? Buffer.alloc(0),
    dataClass: number(metadata, 4),
    ...(simple === undefined ? {} : { value: simple.readFloatLE() }),
    ...(tensor === undefined ? {} : { tensor: toTensor(decode(tensor)) }),
  };
}

const toTensor = (tensor: Message) => ({
  dtype: number(tensor, 1),
  shape: ((decode(one(tensor, 2)!).get(2) ?? []) as Buffer[]).map((dim) => number(decode(dim), 1)),
  bytes: one(tensor, 4) ?? Buffer.alloc(0),
  strings: (tensor.get(8) ?? []) as Buffer[],
});

function toEvent(bytes: Buffer): ReadEvent {
  const event = decode(bytes);
  const [version, session, summary] = [text(event, 3), one(event, 7), one(event, 5)];
  return {
    seconds: one(event, 1)!.readDoubleLE(),
    step: number(event, 2),
    ...(version === undefined ? {} : { version }),
    ...(session === undefined ? {} : { session: number(decode(session), 1) }),
    values: summary === undefined ? [] : ((decode(summary).get(1) ?? []) as Buffer[]).map(toValue),
  };
}

export const parseEvents = (file: Buffer): ReadEvent[] => Array.from(records(file), toEvent);

/** The events of every file of a folder, in the order of their names. */
export async function readEvents(folder: string): Promise<ReadEvent[]> {
  const all: ReadEvent[] = [];
  for (const name of (await readdir(folder)).sort()) all.push(...parseEvents(await readFile(join(folder, name))));
  return all;
}

/** Step and value of each number under a tag. */
export const curve = (events: readonly ReadEvent[], tag: string): [step: number, value: number][] =>
  events.flatMap(({ step, values }) =>
    values.filter((v) => v.tag === tag && v.value !== undefined).map((v): [number, number] => [step, v.value!]),
  );

/** `google.protobuf.Value`s of a `SessionStartInfo` by key. */
export function hparamsOf(content: Buffer): Record<string, number | string | boolean> {
  const started = decode(one(decode(content), 3)!);
  const entries = ((started.get(1) ?? []) as Buffer[]).map((bytes) => {
    const entry = decode(bytes);
    const value = decode(one(entry, 2)!);
    const plain = one(value, 2)?.readDoubleLE() ?? text(value, 3) ?? number(value, 4) === 1;
    return [text(entry, 1)!, plain] as const;
  });
  return Object.fromEntries(entries);
}

/** The status in a `SessionEndInfo`: 1 for success, 2 for failure. */
export const endStatus = (content: Buffer): number => number(decode(one(decode(content), 4)!), 1);
