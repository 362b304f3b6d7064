import * as tf from "@tensorflow/tfjs-core";
import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { axesOf, axisOf, type KernelTable, kernel } from "./kernel.ts";

type Reduction = {
  readonly axis: number | number[];
  readonly keepDims?: boolean;
  readonly reductionIndices?: number[];
};

const asNumbers = (x: Node, build: Builder): Node => (x.dtype === "bool" ? build.cast(x, "int32") : x);

const reduce = (op: "ReduceMax" | "ReduceMin" | "ReduceProd") =>
  kernel<"x", Reduction>(({ inputs: { x }, attrs, build }) =>
    // tfjs calls the axes of Max and Min by two names.
    build.reduce(op, x, axesOf(attrs.reductionIndices ?? attrs.axis, x.shape), attrs.keepDims ?? false),
  );

/** Of truth values, as the extremum of zeros and ones. */
const truth = (op: "ReduceMax" | "ReduceMin") =>
  kernel<"x", Reduction>(({ inputs: { x }, attrs, build }) => {
    const found = build.reduce(op, build.cast(x, "int32"), axesOf(attrs.axis, x.shape), attrs.keepDims ?? false);
    return build.cast(found, "bool");
  });

const argExtremum = (op: "ArgMax" | "ArgMin") =>
  kernel<"x", { readonly axis: number }>(({ inputs: { x }, attrs, build }) =>
    build.argExtremum(op, asNumbers(x, build), axesOf(attrs.axis, x.shape)[0]!),
  );

export const reductions: KernelTable = {
  [tf.Sum]: kernel<"x", Reduction>(({ inputs: { x }, attrs, build }) =>
    build.reduce("ReduceSum", asNumbers(x, build), axesOf(attrs.axis, x.shape), attrs.keepDims ?? false),
  ),
  [tf.Mean]: kernel<"x", Reduction>(({ inputs: { x }, attrs, build }) =>
    build.reduce("ReduceMean", build.cast(x, "float32"), axesOf(attrs.axis, x.shape), attrs.keepDims ?? false),
  ),
  [tf.Max]: reduce("ReduceMax"),
  [tf.Min]: reduce("ReduceMin"),
  [tf.Prod]: reduce("ReduceProd"),
  [tf.All]: truth("ReduceMin"),
  [tf.Any]: truth("ReduceMax"),
  [tf.ArgMax]: argExtremum("ArgMax"),
  [tf.ArgMin]: argExtremum("ArgMin"),
  [tf.Cumsum]: kernel<"x", tf.CumsumAttrs>(({ inputs: { x }, attrs, build }) =>
    build.cumSum(x, axisOf(attrs.axis, x.shape.length), attrs.exclusive ?? false, attrs.reverse ?? false),
  ),
  [tf.Cumprod]: kernel<"x", tf.CumprodAttrs>(({ inputs: { x }, attrs, build }) =>
    cumulativeProduct(x, axisOf(attrs.axis, x.shape.length), attrs.exclusive, attrs.reverse, build),
  ),
  [tf.Softmax]: kernel<"logits", tf.SoftmaxAttrs>(({ inputs: { logits }, attrs, build }) =>
    build.softmax(logits, axisOf(attrs.dim, logits.shape.length)),
  ),
};

/** ONNX has none: the products of a row's rows, with ones in the place of what lies behind each element. */
function cumulativeProduct(x: Node, axis: number, exclusive: boolean, reverse: boolean, build: Builder): Node {
  const length = x.shape[axis]!;
  const taken = (to: number, from: number): boolean =>
    exclusive && from === to ? false : reverse ? from >= to : from <= to;
  const mask = Uint8Array.from({ length: length * length }, (_, i) =>
    Number(taken(Math.floor(i / length), i % length)),
  );
  const inner = x.shape.slice(axis + 1).map(() => 1);
  const among = build.constant(mask, [length, length, ...inner], "bool");
  const rows = build.reshape(x, x.shape.toSpliced(axis, 0, 1));
  return build.reduce("ReduceProd", build.where(among, rows, build.splat(1, [], x.dtype)), [axis + 1], false);
}
