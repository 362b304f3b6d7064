/** Bytes of the WebAssembly binary format (https://webassembly.github.io/spec/core/binary/). */
export type Code = readonly number[];

export interface FunctionType {
  readonly params: readonly Code[];
  readonly results: readonly Code[];
}

export interface FunctionBody {
  readonly type: FunctionType;
  /** Locals after the parameters, in order. */
  readonly locals: readonly { readonly count: number; readonly type: Code }[];
  /** Without the closing `end`. */
  readonly code: Code;
}

export const i32: Code = [0x7f];
export const f32: Code = [0x7d];
export const v128: Code = [0x7b];

/** Unsigned LEB128. */
export function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128. */
function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = rest === (low & 0x40 ? -1 : 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

const float32Bytes = (value: number): Code => [...new Uint8Array(Float32Array.of(value).buffer)];

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const text = (value: string): Code => sized([...new TextEncoder().encode(value)]);
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];

/** A module that imports the memory `env.memory` and exports the functions as "0", "1", … */
export function encodeModule(functions: readonly FunctionBody[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ type }) => [0x60, ...vector(type.params), ...vector(type.results)]);
  const memory = [...text("env"), ...text("memory"), 0x02, 0x00, 0x00];
  const exported = functions.map((_, i) => [...text(String(i)), 0x00, ...unsigned(i)]);
  const bodies = functions.map(({ locals, code }) => {
    const groups = locals.map(({ count, type }) => [...unsigned(count), ...type]);
    return sized([...vector(groups), ...code, 0x0b]);
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [memory]),
    ...section(
      3,
      functions.map((_, i) => unsigned(i)),
    ),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const i32Const = (value: number): Code => [0x41, ...signed(value)];
export const i32Add: Code = [0x6a];
export const i32GreaterOrEqual: Code = [0x4f];

/** `while (condition) body`: no values enter or leave. */
export const whileLoop = (condition: Code, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40],
  ...[...condition, 0x45, 0x0d, 0x01],
  ...[...body, 0x0c, 0x00],
  ...[0x0b, 0x0b],
];

/** A SIMD instruction without immediates, by its number. */
export const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];

// Tensors are aligned to their elements of 2² bytes; no offset.
const floatAccess: Code = [0x02, 0x00];
export const loadFour: Code = [...simd(0x00), ...floatAccess];
export const storeFour: Code = [...simd(0x0b), ...floatAccess];
/** One float32, in all four lanes. */
export const loadOne: Code = [...simd(0x09), ...floatAccess];
/** The first lane. */
export const storeOne: Code = [...simd(0x5a), ...floatAccess, 0x00];
export const splat: Code = simd(0x13);
export function splatConst(value: number): Code {
  const lane = float32Bytes(value);
  return [...simd(0x0c), ...lane, ...lane, ...lane, ...lane];
}
