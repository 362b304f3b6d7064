const window = 200;

/** Steps per second over the last steps; `now` in milliseconds. The first step, which warms everything up, does not count. */
export function createRate(now: () => number): { tick(): void; stepsPerSecond(): number | null } {
  const times: number[] = [];
  return {
    tick() {
      times.push(now());
      if (times.length > window) times.shift();
    },
    stepsPerSecond() {
      const seconds = (times.at(-1)! - times[0]!) / 1000;
      return times.length < 2 || seconds <= 0 ? null : (times.length - 1) / seconds;
    },
  };
}

/** 42 s, 3 min 05 s, 2 h 07 min. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
