/** Calls of `act` one after another in the order they were made, whatever becomes of each. */
export function inTurn<A extends unknown[], R>(act: (...given: A) => Promise<R>): (...given: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (...given) => {
    const mine = last.then(() => act(...given));
    last = mine.catch(() => {});
    return mine;
  };
}
