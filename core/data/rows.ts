import { errors } from "../errors.ts";
import { createStorage, elementCount } from "./elements.ts";
import type { HostBatch } from "./host-tensor.ts";

type Column = HostBatch[string];

/** Rows every array of the batch has. Throws MF_BATCH_SHAPE for an array that has another number of them, or none. */
export function rowCount(batch: HostBatch, expected?: number): number {
  let rows = expected;
  for (const [array, { shape, data }] of Object.entries(batch)) {
    rows ??= shape[0] ?? 0;
    if (shape[0] !== rows || elementCount(shape) !== data.length) {
      throw errors.MF_BATCH_SHAPE({ array, shape, rows });
    }
  }
  return rows ?? 0;
}

/** A zeroed batch of `rows` rows with the arrays and row shapes of `like`. */
export const emptyRows = (like: HostBatch, rows: number): Record<string, Column> =>
  Object.fromEntries(
    Object.entries(like).map(([name, { dtype, shape }]) => {
      const own = [rows, ...shape.slice(1)];
      return [name, { dtype, shape: own, data: createStorage(dtype, elementCount(own)) } as Column];
    }),
  );

// From here on a view and a block copy cost less than a loop.
const WIDE = 24;

/** Copies `width` elements. */
export function copyPart(into: Column["data"], at: number, from: Column["data"], start: number, width: number): void {
  if (width >= WIDE) into.set(from.subarray(start, start + width), at);
  else for (let j = 0; j < width; j++) into[at + j] = from[start + j]!;
}

/** Copies the `count` rows `row(0)`, `row(1)`, … of `from` to the rows `at`, `at + 1`, … of `into`. */
export function gatherRows(
  into: HostBatch,
  at: number,
  from: HostBatch,
  count: number,
  row: (i: number) => number,
): void {
  const rows = Float64Array.from({ length: count }, (_, i) => row(i));
  for (const [name, { data, shape }] of Object.entries(from)) {
    const width = elementCount(shape.slice(1));
    const target = into[name]!.data;
    for (let i = 0; i < count; i++) copyPart(target, (at + i) * width, data, rows[i]! * width, width);
  }
}
