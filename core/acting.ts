let now: string | null = null;

/** Who is acting inside the step, such as `ema, afterUpdate`; null outside of plugins. For messages. */
export const acting = (): string | null => now;

/** Runs `f` in the name of `who`. */
export function actAs<T>(who: string, f: () => T): T {
  const before = now;
  now = who;
  try {
    return f();
  } finally {
    now = before;
  }
}
