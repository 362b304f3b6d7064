import { type Shape, sizeOf } from "../node.ts";
import type { Extent } from "./batch.ts";
import { finish, first, int64s, lengths, listOf, numberOf, operandsOf, type Site, scalar, type Write } from "./site.ts";

/** The end of a Slice that runs backwards through the first element: −1 would mean the last. */
const BEFORE_FIRST = -(2 ** 53);

/** Repeats a value of the shape `from` to the node's own. */
export function expandTo(site: Site, value: string, from: Shape): void {
  const { shape } = site.node;
  // Expand broadcasts both ways: a 1 leaves an axis as it is, also one that is open.
  const target = shape.map((d, i) => (d === from[from.length - shape.length + i] ? 1 : d));
  finish(site, "Expand", [value, lengths(site, target)]);
}

export const expand: Write = (site) => expandTo(site, first(site), operandsOf(site)[0].shape);

export const reshape: Write = (site) => {
  const { shape } = site.node;
  const { isOpen } = site.batch;
  const open = shape.filter(isOpen).length;
  const rest = shape.map((d) => (isOpen(d) ? -1 : d));
  // One open axis is what remains, unless nothing does.
  const target = open === 1 && sizeOf(shape) > 0 ? int64s(site, rest) : lengths(site, shape);
  // A 0 would otherwise mean "as in the operand".
  finish(site, "Reshape", [first(site), target], shape.includes(0) ? { allowzero: 1 } : {});
};

export const slice: Write = (site) => {
  const [x] = operandsOf(site);
  const { batch, node } = site;
  const [begin, strides] = [listOf(site, "begin"), listOf(site, "strides")];
  const axes = [...node.shape.keys()].filter((i) => node.shape[i] !== x.shape[i] || begin[i] !== 0 || strides[i] !== 1);
  const along = (i: number, at: number): Extent =>
    batch.isOpen(x.shape[i]!) ? batch.place(at) : { batches: 0, fixed: at };
  const end = (i: number): Extent => {
    const at = begin[i]! + node.shape[i]! * strides[i]!;
    return at < 0 ? { batches: 0, fixed: BEFORE_FIRST } : along(i, at);
  };
  const begins = batch.list(axes.map((i) => along(i, begin[i]!)));
  const ends = batch.list(axes.map(end));
  const steps = axes.map((i) => strides[i]!);
  const strided = steps.some((step) => step !== 1) ? [int64s(site, steps)] : [];
  finish(site, "Slice", [first(site), begins, ends, int64s(site, axes), ...strided]);
};

export const reverse: Write = (site) => {
  const axes = listOf(site, "axes");
  const each = (value: number): string => int64s(site, new Array<number>(axes.length).fill(value));
  finish(site, "Slice", [first(site), each(-1), each(BEFORE_FIRST), int64s(site, axes), each(-1)]);
};

export const pad: Write = (site) => {
  const amounts = lengths(site, [...listOf(site, "before"), ...listOf(site, "after")]);
  finish(site, "Pad", [first(site), amounts, scalar(site, site.node, numberOf(site, "value"))]);
};

export const tile: Write = (site) => finish(site, "Tile", [first(site), lengths(site, listOf(site, "reps"))]);
