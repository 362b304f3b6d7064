import * as tf from "@tensorflow/tfjs-core";
import { valueAndGrads } from "../../../../core/autodiff/value-and-grads.ts";
import type { Rule } from "../../../../core/graph/builder.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { trace } from "../../../../core/graph/trace/trace.ts";
import { mapTree, prefixed, type Tree } from "../../../../core/tree.ts";
import { asTensor, evaluated, type Feed, runOnnx, wave } from "../onnx/run.ts";

/** `any` because each tfjs function asks for its own rank. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type Computation = (...tensors: any[]) => tf.Tensor | readonly tf.Tensor[];

/** The values `y0, y1, …` of `f` and, if asked for, the gradients `d/x0, d/x1, …` of their sum with fixed weights. */
function results(f: Computation, tensors: readonly tf.Tensor[], gradients: boolean): Tree {
  const values = (given: readonly tf.Tensor[]): tf.Tensor[] => [f(...given)].flat() as tf.Tensor[];
  const named = Object.fromEntries(values(tensors).map((y, i) => [`y${i}`, y]));
  if (!gradients) return named;
  const params = Object.fromEntries(tensors.flatMap((x, i) => (x.dtype === "float32" ? [[`x${i}`, x]] : [])));
  const { grads } = valueAndGrads((p) => {
    const floats = values(tensors.map((x, i) => p[`x${i}`] ?? x)).filter((y) => y.dtype === "float32");
    const weighted = floats.map((y, i) => tf.sum(tf.mul(y, asTensor(wave(y.shape, i + 0.5)))));
    return tf.addN(weighted) as tf.Scalar;
  }, params);
  return { ...named, ...prefixed("d", grads) };
}

/** Computed by the backend in use. */
export function eagerly(f: Computation, feeds: readonly Feed[], gradients: boolean): Record<string, Feed> {
  const tensors = feeds.map(asTensor);
  const all = tf.tidy(() => results(f, tensors, gradients) as Record<string, tf.Tensor>);
  const read = mapTree((t) => evaluated(() => t.clone()), all);
  tf.dispose([tensors, all as tf.NamedTensorMap]);
  return read;
}

/** Recorded, written as ONNX and run. */
export async function throughGraph(
  f: Computation,
  feeds: readonly Feed[],
  gradients: boolean,
  rules?: readonly Rule[],
): Promise<Record<string, Feed>> {
  const { bytes } = trace(({ build, tensor, node }) => {
    const inputs = feeds.map(({ shape, dtype }, i) => build.input(`x${i}`, shape, dtype));
    return toOnnx({ inputs, outputs: mapTree(node, results(f, inputs.map(tensor), gradients)) });
  }, rules);
  return runOnnx(bytes, Object.fromEntries(feeds.map((feed, i) => [`x${i}`, feed])));
}
