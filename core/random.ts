import { createHash } from "node:crypto";
import { errors } from "./errors.ts";

/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * A block of four 32-bit words is a pure function of a 128-bit counter and a 64-bit key, so a stream can be entered
 * anywhere in constant time and needs no saved state but its position.
 */
export function philox4x32(counter: Uint32Array, key0: number, key1: number, out: Uint32Array): void {
  let c0 = counter[0]!;
  let c1 = counter[1]!;
  let c2 = counter[2]!;
  let c3 = counter[3]!;
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const hi0 = multiplyHigh(0xd2511f53, c0);
    const lo0 = Math.imul(0xd2511f53, c0) >>> 0;
    const hi1 = multiplyHigh(0xcd9e8d57, c2);
    const lo1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (hi1 ^ c1 ^ k0) >>> 0;
    c1 = lo1;
    c2 = (hi0 ^ c3 ^ k1) >>> 0;
    c3 = lo0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** High 32 bits of a 32×32-bit product, from 16-bit halves: exact in double arithmetic. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** Random numbers in a fixed order. Same seed, name and index: the same numbers, on every machine. */
export interface RandomStream {
  /** A word in [0, 2³²). */
  word(): number;
  /** Uniform in [0, 1), with 24 random bits: exact in float32. */
  uniform(): number;
  /** Normal with mean 0 and deviation 1 (Box–Muller, each pair used whole). */
  normal(): number;
  /** Uniform integer in [0, n), without modulo bias. */
  below(n: number): number;
  uniforms(count: number, min?: number, max?: number): Float32Array;
  normals(count: number, mean?: number, deviation?: number): Float32Array;
}

/**
 * The stream `name` of `seed`, entered at `index` (a step, a batch, a sample: whatever the caller counts).
 * Streams with different names or indices never overlap: the name is hashed into the key, the index is half the counter.
 */
export function createStream(seed: number, name: string, index = 0): RandomStream {
  const [key0, key1] = streamKey(seed, name);
  const counter = new Uint32Array([0, 0, index >>> 0, Math.floor(index / 2 ** 32) >>> 0]);
  const block = new Uint32Array(4);
  let used = 4;
  let spare: number | undefined;

  const word = (): number => {
    if (used === 4) {
      philox4x32(counter, key0, key1, block);
      counter[0] = (counter[0]! + 1) >>> 0;
      if (counter[0] === 0) counter[1] = (counter[1]! + 1) >>> 0;
      used = 0;
    }
    return block[used++]!;
  };
  const uniform = (): number => (word() >>> 8) * 2 ** -24;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // 1 − u lies in (0, 1], so the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const below = (n: number): number => {
    if (!(n >= 1)) throw errors.MF_INTERNAL({ problem: `below(${n}): there is no whole number in [0, ${n}).` });
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const w = word();
      if (w < limit) return w % n;
    }
  };
  return {
    word,
    uniform,
    normal,
    below,
    uniforms: (count, min = 0, max = 1) => fill(count, () => min + (max - min) * uniform()),
    normals: (count, mean = 0, deviation = 1) => fill(count, () => mean + deviation * normal()),
  };
}

function fill(count: number, draw: () => number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = draw();
  return out;
}

const keys = new Map<string, readonly [number, number]>();

function streamKey(seed: number, name: string): readonly [number, number] {
  const id = `${seed}/${name}`;
  let key = keys.get(id);
  if (key === undefined) {
    const digest = createHash("sha256").update(id).digest();
    key = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    keys.set(id, key);
  }
  return key;
}
