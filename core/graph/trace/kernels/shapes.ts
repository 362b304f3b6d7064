import * as tf from "@tensorflow/tfjs-core";
import type { Builder } from "../../builder.ts";
import { type DType, type Node, sizeOf } from "../../node.ts";
import { axesOf, axisOf, type KernelTable, kernel } from "./kernel.ts";

type X = "x";

/** `count` elements of one axis. */
function along(x: Node, axis: number, begin: number, count: number, build: Builder): Node {
  const start = x.shape.map(() => 0).with(axis, begin);
  return build.slice(x, start, x.shape.with(axis, count));
}

export const shapes: KernelTable = {
  [tf.Identity]: kernel<X>(({ inputs: { x } }) => x),
  [tf.Reshape]: kernel<X, tf.ReshapeAttrs>(({ inputs: { x }, attrs, build }) =>
    build.reshape(x, tf.util.inferFromImplicitShape(attrs.shape, sizeOf(x.shape))),
  ),
  [tf.ExpandDims]: kernel<"input", tf.ExpandDimsAttrs>(({ inputs: { input }, attrs, build }) =>
    build.reshape(input, input.shape.toSpliced(axisOf(attrs.dim, input.shape.length + 1), 0, 1)),
  ),
  [tf.Transpose]: kernel<X, tf.TransposeAttrs>(({ inputs: { x }, attrs, build }) => build.transpose(x, attrs.perm)),
  [tf.Concat]: kernel<string, tf.ConcatAttrs>(({ inputs, attrs, build }) => {
    const parts = Object.values(inputs);
    return build.concat(parts, axesOf(attrs.axis, parts[0]!.shape)[0]!);
  }),
  [tf.Slice]: kernel<X, tf.SliceAttrs>(({ inputs: { x }, attrs, build }) => {
    const [begin, size] = tf.slice_util.parseSliceParams(x as unknown as tf.TensorInfo, attrs.begin, attrs.size);
    return build.slice(x, begin!, size!);
  }),
  [tf.StridedSlice]: kernel<X, tf.StridedSliceAttrs>(({ inputs: { x }, attrs, build }) => {
    const { begin, end, strides, finalShape } = tf.slice_util.sliceInfo(
      x.shape as number[],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    const size = tf.slice_util.computeOutShape(begin, end, strides).map((d) => Math.max(0, d));
    return build.reshape(build.slice(x, begin, size, strides), finalShape);
  }),
  [tf.Pack]: kernel<string, tf.PackAttrs>(({ inputs, attrs, build }) => {
    const parts = Object.values(inputs);
    const axis = axisOf(attrs.axis, parts[0]!.shape.length + 1);
    return build.concat(
      parts.map((x) => build.reshape(x, x.shape.toSpliced(axis, 0, 1))),
      axis,
    );
  }),
  [tf.Unpack]: kernel<"value", tf.UnpackAttrs>(({ inputs: { value }, attrs, build }) => {
    const axis = axisOf(attrs.axis, value.shape.length);
    return Array.from({ length: value.shape[axis]! }, (_, i) =>
      build.reshape(along(value, axis, i, 1, build), value.shape.toSpliced(axis, 1)),
    );
  }),
  [tf.SplitV]: kernel<X, tf.SplitVAttrs>(({ inputs: { x }, attrs, build }) => {
    const axis = axesOf(attrs.axis, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x as unknown as tf.Tensor, attrs.numOrSizeSplits, axis);
    let begin = 0;
    return sizes.map((size) => {
      const part = along(x, axis, begin, size, build);
      begin += size;
      return part;
    });
  }),
  [tf.Tile]: kernel<X, tf.TileAttrs>(({ inputs: { x }, attrs, build }) => build.tile(x, attrs.reps)),
  [tf.PadV2]: kernel<X, tf.PadV2Attrs>(({ inputs: { x }, attrs, build }) =>
    build.pad(
      x,
      attrs.paddings.map(([before]) => before),
      attrs.paddings.map(([, after]) => after),
      attrs.constantValue,
    ),
  ),
  [tf.Reverse]: kernel<X, tf.ReverseAttrs>(({ inputs: { x }, attrs, build }) =>
    build.reverse(x, axesOf(attrs.dims, x.shape)),
  ),
  [tf.Fill]: kernel<never, tf.FillAttrs>(({ attrs, build }) =>
    build.splat(Number(attrs.value), attrs.shape, (attrs.dtype ?? "float32") as DType),
  ),
  [tf.OnesLike]: kernel<X>(({ inputs: { x }, build }) => build.splat(1, x.shape, x.dtype)),
  [tf.ZerosLike]: kernel<X>(({ inputs: { x }, build }) => build.splat(0, x.shape, x.dtype)),
  [tf.Range]: kernel<never, tf.RangeAttrs>(({ attrs: { start, stop, step, dtype }, build }) => {
    const count = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length: count }, (_, i) => start + i * step);
    return dtype === "int32"
      ? build.constant(Int32Array.from(values), [count], "int32")
      : build.constant(Float32Array.from(values), [count], "float32");
  }),
  [tf.LinSpace]: kernel<never, tf.LinSpaceAttrs>(({ attrs: { start, stop, num }, build }) => {
    const step = num === 1 ? 0 : (stop - start) / (num - 1);
    return build.constant(
      Float32Array.from({ length: num }, (_, i) => start + i * step),
      [num],
      "float32",
    );
  }),
  [tf.OneHot]: kernel<"indices", tf.OneHotAttrs>(({ inputs: { indices }, attrs, build }) =>
    build.oneHot(indices, attrs.depth, attrs.onValue, attrs.offValue, (attrs.dtype ?? "int32") as DType),
  ),
};
