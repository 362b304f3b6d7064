/** How fast a run's steps come in. */
export interface Pace {
  /** Steps per second with the newest step, which has just come; null before that can be told. */
  at(step: number): number | null;
}

/** Of so many news the pace is the mean. */
const NEWS = 40;

/** `now` in milliseconds. */
export function createPace(now: () => number): Pace {
  // What was there when the page was opened may have been written any time before.
  let first = true;
  let last = 0;
  const seen: { readonly step: number; readonly time: number }[] = [];
  return {
    at(step) {
      // A resumed run goes back.
      if (step < last) seen.length = 0;
      if (step !== last && !first) seen.push({ step, time: now() });
      if (seen.length > NEWS) seen.shift();
      [first, last] = [false, step];
      const [from, to] = [seen[0], seen.at(-1)];
      return from === undefined || to === undefined || to.time <= from.time
        ? null
        : (1000 * (to.step - from.step)) / (to.time - from.time);
    },
  };
}
