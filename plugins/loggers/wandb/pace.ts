/** Holds an action to a pace. */
export interface Pace {
  /** Whether it is time to act; when it is not, `later` is called once it is. */
  isDue(): boolean;
  stop(): void;
}

export function createPace(every_ms: number, later: () => void): Pace {
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  return {
    isDue() {
      if (timer !== undefined) return false;
      const wait = last + every_ms - performance.now();
      if (wait <= 0) {
        last = performance.now();
        return true;
      }
      timer = setTimeout(() => {
        timer = undefined;
        last = performance.now();
        later();
      }, wait).unref();
      return false;
    },
    stop: () => clearTimeout(timer),
  };
}
