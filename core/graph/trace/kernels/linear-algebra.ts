import * as tf from "@tensorflow/tfjs-core";
import { acting } from "../../../acting.ts";
import type { Builder } from "../../builder.ts";
import { graphErrors } from "../../errors.ts";
import { type Node, sizeOf } from "../../node.ts";
import { elu, prelu, relu6 } from "./elementwise.ts";
import { axesOf, type KernelTable, kernel } from "./kernel.ts";

type Fused = "a" | "b" | "bias" | "preluActivationWeights";

export const linearAlgebra: KernelTable = {
  [tf.BatchMatMul]: kernel<"a" | "b", tf.BatchMatMulAttrs>(({ inputs: { a, b }, attrs, build }) =>
    build.matmul(a, b, attrs.transposeA, attrs.transposeB),
  ),
  [tf._FusedMatMul]: kernel<Fused, tf._FusedMatMulAttrs>(({ inputs, attrs, build }) => {
    const product = build.matmul(inputs.a, inputs.b, attrs.transposeA, attrs.transposeB);
    const shifted = inputs.bias === undefined ? product : build.binary("Add", product, inputs.bias);
    switch (attrs.activation ?? "linear") {
      case "linear":
        return shifted;
      case "relu":
        return build.unary("Relu", shifted);
      case "sigmoid":
        return build.unary("Sigmoid", shifted);
      case "relu6":
        return relu6(shifted, build);
      case "elu":
        return elu(shifted, build);
      case "leakyrelu":
        return prelu(shifted, build.splat(attrs.leakyreluAlpha!, []), build);
      case "prelu":
        return prelu(shifted, inputs.preluActivationWeights, build);
      default:
        throw graphErrors.MF_TRACE_KERNEL({ kernel: `_FusedMatMul with ${attrs.activation}`, where: acting() });
    }
  }),
  [tf.GatherV2]: kernel<"x" | "indices", tf.GatherV2Attrs>(({ inputs: { x, indices }, attrs, build }) => {
    const axis = axesOf(attrs.axis, x.shape)[0]!;
    const batchDims = attrs.batchDims ?? 0;
    return batchDims === 0 ? build.gather(x, indices, axis) : gatherInBatches(x, indices, axis, batchDims, build);
  }),
  [tf.UnsortedSegmentSum]: kernel<"x" | "segmentIds", tf.UnsortedSegmentSumAttrs>(
    ({ inputs: { x, segmentIds }, attrs, build }) => build.segmentSum(x, segmentIds, attrs.numSegments),
  ),
};

/** The first `batchDims` axes of both go together: rows of all batches lie in one axis, at which each batch's begin. */
function gatherInBatches(x: Node, indices: Node, axis: number, batchDims: number, build: Builder): Node {
  const batch = x.shape.slice(0, batchDims);
  const outer = x.shape.slice(batchDims, axis);
  const inner = x.shape.slice(axis + 1);
  const [count, length] = [sizeOf(batch), x.shape[axis]!];
  const picked = indices.shape.slice(batchDims);
  const rows = build.reshape(
    build.transpose(build.reshape(x, [count, sizeOf(outer), length, sizeOf(inner)]), [0, 2, 1, 3]),
    [count * length, sizeOf(outer), sizeOf(inner)],
  );
  const begins = build.constant(
    Int32Array.from({ length: count }, (_, i) => i * length),
    [count, 1],
    "int32",
  );
  const places = build.binary("Add", build.reshape(indices, [count, sizeOf(picked)]), begins);
  const found = build.transpose(build.gather(rows, places, 0), [0, 2, 1, 3]);
  return build.reshape(found, [...batch, ...outer, ...picked, ...inner]);
}
