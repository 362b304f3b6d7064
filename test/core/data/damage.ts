import { expect } from "vitest";
import { isMfError } from "../../../core/errors.ts";
import { createStream } from "../../../core/random.ts";

/** Runs `decode` on bytes cut at every length (every `stride`-th after 600); each must throw an MfError that names the file. */
export function expectCutsRefused(bytes: Uint8Array, path: string, decode: (bytes: Uint8Array) => unknown): void {
  const stride = Math.max(1, Math.floor(bytes.length / 400));
  for (let length = 0; length < bytes.length; length += length < 600 ? 1 : stride) {
    const outcome = attempt(() => decode(bytes.slice(0, length)));
    expect(outcome.failed, `cut to ${length} of ${bytes.length} bytes`).toBe(true);
    expect((outcome.error as Error).message).toContain(path);
  }
}

/** Flips one bit at a time; returns how many flips were noticed. Whatever else is thrown than an MfError fails the test. */
export function countRefusedFlips(bytes: Uint8Array, flips: number, decode: (bytes: Uint8Array) => unknown): number {
  const random = createStream(0, "flips");
  let refused = 0;
  for (let i = 0; i < flips; i++) {
    const damaged = bytes.slice();
    const at = random.below(bytes.length);
    damaged[at] = damaged[at]! ^ (1 << random.below(8));
    if (attempt(() => decode(damaged)).failed) refused++;
  }
  return refused;
}

function attempt(run: () => unknown): { failed: boolean; error?: unknown } {
  try {
    run();
    return { failed: false };
  } catch (error) {
    if (!isMfError(error)) throw error;
    return { failed: true, error };
  }
}
