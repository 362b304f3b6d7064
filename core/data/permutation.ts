import { createStream } from "../random.ts";

const ROUNDS = 8;

/**
 * A random order of [0, n) whose i-th element is found in constant time and memory, keyed by seed, name and index (the
 * epoch). A Feistel network over pairs (left < a, right < b) with a·b ≥ n, after Black and Rogaway, "Ciphers with
 * arbitrary finite domains" (CT-RSA 2002); pairs that fall outside [0, n) are walked on until they fall inside.
 */
export function permutation(n: number, seed: number, index: number, name = "order"): (i: number) => number {
  const a = Math.max(1, Math.ceil(Math.sqrt(n)));
  const b = Math.max(1, Math.ceil(n / a));
  const stream = createStream(seed, name, index);
  const keys = Uint32Array.from({ length: ROUNDS }, stream.word);

  return (i) => {
    let value = i;
    do {
      let left = value % a;
      let right = Math.floor(value / a);
      for (let round = 0; round < ROUNDS; round += 2) {
        left = (left + below(a, right, keys[round]!)) % a;
        right = (right + below(b, left, keys[round + 1]!)) % b;
      }
      value = right * a + left;
    } while (value >= n);
    return value;
  };
}

/** A hash of (x, key) in [0, n): MurmurHash3's finalizer, scaled. */
function below(n: number, x: number, key: number): number {
  let h = Math.imul(x, 0x9e3779b1) ^ key;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return Math.floor((((h ^ (h >>> 16)) >>> 0) / 2 ** 32) * n);
}
