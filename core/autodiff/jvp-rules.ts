import type { NamedTensorMap, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { mapTree } from "../tree.ts";
import { spreadTo } from "./broadcast.ts";
import { extremumShare } from "./extremum.ts";
import type { JvpRule, KernelCall } from "./jvp-rule.ts";

type Tangent = Tensor | null;
const plus = (a: Tangent, b: Tangent): Tangent => (a === null ? b : b === null ? a : tf.add(a, b));
const times = (tangent: Tangent, factor: () => Tensor): Tangent =>
  tangent === null ? null : tf.mul(tangent, factor());
const float = (condition: Tensor): Tensor => tf.cast(condition, "float32");
function runKernel(kernel: string, inputs: NamedTensorMap, attrs: unknown): Tensor | Tensor[] {
  // AddN, Concat, Einsum and Pack take an array where the others take names.
  const isList = "0" in inputs;
  return tf.engine().runKernel(kernel, (isList ? Object.values(inputs) : inputs) as NamedTensorMap, attrs as never);
}

const spreadSum = (a: Tangent, b: Tangent, output: Tensor): Tangent => {
  const sum = plus(a, b);
  return sum && spreadTo(sum, output.shape);
};

/** y = f(x) entry by entry: dy = derivative(x, y)·dx. */
const unary =
  <A>(derivative: (x: Tensor, y: Tensor, attrs: A) => Tensor): JvpRule<A> =>
  ({ inputs, tangents, output, attrs }) =>
    times(tangents["x"] ?? null, () => derivative(inputs["x"]!, output, attrs));

type PartialDerivative = (a: Tensor, b: Tensor, y: Tensor) => Tensor;

/** y = f(a, b) entry by entry, broadcasting: dy = byA·da + byB·db. */
const binary =
  (byA: PartialDerivative, byB: PartialDerivative, [first, second]: readonly [string, string] = ["a", "b"]): JvpRule =>
  ({ inputs, tangents, output }) => {
    const a = inputs[first]!;
    const b = inputs[second]!;
    return spreadSum(
      times(tangents[first] ?? null, () => byA(a, b, output)),
      times(tangents[second] ?? null, () => byB(a, b, output)),
      output,
    );
  };

/** Linear in all float inputs together (integers index, truth values select): the kernel itself, run on the tangents. */
const linear =
  (kernel: string): JvpRule =>
  ({ inputs, tangents, attrs }) =>
    runKernel(
      kernel,
      mapTree((x, name) => tangents[name] ?? (x.dtype === "float32" ? tf.zerosLike(x) : x), inputs),
      attrs,
    );

/** Linear in each input alone: the sum over the inputs of the kernel with that input's tangent in its place. */
const multilinear =
  (kernel: string): JvpRule =>
  ({ inputs, tangents, attrs }) =>
    Object.keys(inputs)
      .filter((name) => tangents[name] !== null)
      .map((name) => runKernel(kernel, { ...inputs, [name]: tangents[name]! }, attrs) as Tensor)
      .reduce<Tangent>(plus, null);

const extremum =
  <A>(axesOf: (attrs: A) => number | number[]): JvpRule<A> =>
  ({ inputs, tangents, output, attrs }) => {
    const x = inputs["x"]!;
    const axes = axesOf(attrs);
    return tf.reshape(tf.sum(tf.mul(tangents["x"]!, extremumShare(x, output, axes)), axes ?? undefined), output.shape);
  };

/** d∏xᵢ = Σᵢ dxᵢ·∏ⱼ≠ᵢ xⱼ, one axis after another; no division, so zeros among the factors are right. */
const product: JvpRule<tf.ProdAttrs> = ({ inputs, tangents, output, attrs }) => {
  let x = inputs["x"]!;
  let dx = tangents["x"]!;
  for (const axis of tf.util.parseAxisParam(attrs.axis ?? x.shape.map((_, i) => i), x.shape)) {
    const others = tf.mul(tf.cumprod(x, axis, true, false), tf.cumprod(x, axis, true, true));
    dx = tf.sum(tf.mul(dx, others), axis, true);
    x = tf.prod(x, axis, true);
  }
  return tf.reshape(dx, output.shape);
};

const softmax: JvpRule<tf.SoftmaxAttrs> = ({ tangents, output, attrs }) => {
  const weighted = tf.mul(output, tangents["logits"]!);
  return tf.sub(weighted, tf.mul(output, tf.sum(weighted, attrs.dim, true)));
};

const logSoftmax: JvpRule<tf.LogSoftmaxAttrs> = ({ tangents, output, attrs }) => {
  const dx = tangents["logits"]!;
  return tf.sub(dx, tf.sum(tf.mul(tf.exp(output), dx), attrs.axis, true));
};

const SELU_SCALE = 1.0507009873554805;
const SELU_SCALE_ALPHA = 1.7580993408473768;
const elu = unary((x, y) => tf.where(tf.greaterEqual(x, 0), tf.onesLike(x), tf.add(y, 1)));
const leakyRelu = unary<tf.LeakyReluAttrs>((x, _, { alpha }) => tf.step(x, alpha));
const relu = unary((x) => tf.step(x));
const relu6 = unary((x) => float(tf.logicalAnd(tf.greater(x, 0), tf.lessEqual(x, 6))));
const sigmoid = unary((_, y) => tf.mul(y, tf.sub(1, y)));
const prelu = binary(
  (x, alpha) => tf.where(tf.greater(x, 0), tf.onesLike(x), spreadTo(alpha, x.shape)),
  (x) => tf.minimum(x, 0),
  ["x", "alpha"],
);
const activations: Readonly<Record<string, JvpRule<never>>> = {
  elu,
  leakyrelu: leakyRelu,
  prelu,
  relu,
  relu6,
  sigmoid,
};

interface FusedOperands {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias?: Tensor;
  readonly preluActivationWeights?: Tensor;
}

/** y = activation(op(a)·op(b) + bias). */
const fusedMatMul: JvpRule<tf._FusedMatMulAttrs> = ({ inputs, tangents, output, attrs }) => {
  const { a, b, bias, preluActivationWeights: alpha } = inputs as unknown as FusedOperands;
  const { a: da = null, b: db = null, bias: dBias = null, preluActivationWeights: dAlpha = null } = tangents;
  const dot = (left: Tensor, right: Tensor) => tf.matMul(left, right, attrs.transposeA, attrs.transposeB);
  const dx = spreadSum(plus(da && dot(da, b), db && dot(a, db)), dBias, output);
  const activation = activations[attrs.activation];
  if (activation === undefined) return dx;

  const product = dot(a, b);
  const call = {
    inputs: { x: bias === undefined ? product : tf.add(product, bias), alpha },
    tangents: { x: dx, alpha: dAlpha },
    output,
    attrs: { alpha: attrs.leakyreluAlpha },
  };
  return activation(call as unknown as KernelCall<never>);
};

const linearKernels = [
  tf.AddN,
  tf.BatchToSpaceND,
  tf.Concat,
  tf.Cumsum,
  tf.ExpandDims,
  tf.GatherNd,
  tf.GatherV2,
  tf.Identity,
  tf.Mean,
  tf.MirrorPad,
  tf.Neg,
  tf.Pack,
  tf.Reshape,
  tf.Reverse,
  tf.ScatterNd,
  tf.Select,
  tf.Slice,
  tf.SplitV,
  tf.StridedSlice,
  tf.Sum,
  tf.Tile,
  tf.Transpose,
  tf.Unpack,
  tf.UnsortedSegmentSum,
];
const multilinearKernels = [tf.BatchMatMul, tf.Einsum, tf.Multiply];
const constantKernels = [tf.Ceil, tf.Floor, tf.FloorDiv, tf.OnesLike, tf.Round, tf.Sign, tf.Step, tf.ZerosLike];

const each = (kernels: readonly string[], rule: (kernel: string) => JvpRule): Record<string, JvpRule> =>
  Object.fromEntries(kernels.map((kernel) => [kernel, rule(kernel)]));

/** Forward-mode rules by kernel: what MLPs, normalisation, embeddings, rotations and kinematics are made of. */
export const builtInRules: Readonly<Record<string, JvpRule<never>>> = {
  ...each(linearKernels, linear),
  ...each(multilinearKernels, multilinear),
  ...each(constantKernels, () => () => null),

  [tf.Add]: ({ tangents: { a = null, b = null }, output }: KernelCall<unknown>) => spreadSum(a, b, output),
  [tf.Sub]: ({ tangents: { a = null, b = null }, output }: KernelCall<unknown>) => spreadSum(a, b && tf.neg(b), output),
  [tf.RealDiv]: binary(
    (_, b) => tf.reciprocal(b),
    (_, b, y) => tf.neg(tf.div(y, b)),
  ),
  [tf.Pow]: binary(
    (a, b) => tf.mul(b, tf.pow(a, tf.sub(b, 1))),
    // 0^b is 0 for every b > 0, while log(0) would make it NaN.
    (a, _, y) => tf.where(tf.greater(a, 0), tf.mul(y, tf.log(a)), tf.zerosLike(y)),
  ),
  [tf.SquaredDifference]: binary(
    (a, b) => tf.mul(2, tf.sub(a, b)),
    (a, b) => tf.mul(2, tf.sub(b, a)),
  ),
  [tf.Maximum]: binary(
    (a, b) => float(tf.greaterEqual(a, b)),
    (a, b) => float(tf.less(a, b)),
  ),
  [tf.Minimum]: binary(
    (a, b) => float(tf.lessEqual(a, b)),
    (a, b) => float(tf.greater(a, b)),
  ),
  [tf.Mod]: binary(
    (a) => tf.onesLike(a),
    (a, b) => tf.neg(tf.floor(tf.div(a, b))),
  ),
  [tf.Atan2]: binary(
    (a, b) => tf.div(b, tf.add(tf.square(a), tf.square(b))),
    (a, b) => tf.neg(tf.div(a, tf.add(tf.square(a), tf.square(b)))),
  ),
  [tf.Prelu]: prelu,

  [tf.Square]: unary((x) => tf.mul(2, x)),
  [tf.Sqrt]: unary((_, y) => tf.div(0.5, y)),
  [tf.Rsqrt]: unary((_, y) => tf.mul(-0.5, tf.mul(y, tf.square(y)))),
  [tf.Reciprocal]: unary((_, y) => tf.neg(tf.square(y))),
  [tf.Abs]: unary((x) => tf.sign(x)),
  [tf.Exp]: unary((_, y) => y),
  [tf.Expm1]: unary((_, y) => tf.add(y, 1)),
  [tf.Log]: unary((x) => tf.reciprocal(x)),
  [tf.Log1p]: unary((x) => tf.reciprocal(tf.add(x, 1))),
  [tf.Erf]: unary((x) => tf.mul(2 / Math.sqrt(Math.PI), tf.exp(tf.neg(tf.square(x))))),

  [tf.Sin]: unary((x) => tf.cos(x)),
  [tf.Cos]: unary((x) => tf.neg(tf.sin(x))),
  [tf.Tan]: unary((_, y) => tf.add(1, tf.square(y))),
  [tf.Asin]: unary((x) => tf.rsqrt(tf.sub(1, tf.square(x)))),
  [tf.Acos]: unary((x) => tf.neg(tf.rsqrt(tf.sub(1, tf.square(x))))),
  [tf.Atan]: unary((x) => tf.reciprocal(tf.add(1, tf.square(x)))),
  [tf.Sinh]: unary((x) => tf.cosh(x)),
  [tf.Cosh]: unary((x) => tf.sinh(x)),
  [tf.Tanh]: unary((_, y) => tf.sub(1, tf.square(y))),
  [tf.Asinh]: unary((x) => tf.rsqrt(tf.add(1, tf.square(x)))),
  [tf.Acosh]: unary((x) => tf.rsqrt(tf.sub(tf.square(x), 1))),
  [tf.Atanh]: unary((x) => tf.reciprocal(tf.sub(1, tf.square(x)))),

  [tf.Sigmoid]: sigmoid,
  [tf.Softplus]: unary((x) => tf.sigmoid(x)),
  [tf.Relu]: relu,
  [tf.Relu6]: relu6,
  [tf.LeakyRelu]: leakyRelu,
  [tf.Elu]: elu,
  [tf.Selu]: unary((x, y) =>
    tf.where(tf.greaterEqual(x, 0), tf.fill(x.shape, SELU_SCALE), tf.add(y, SELU_SCALE_ALPHA)),
  ),
  [tf.ClipByValue]: unary<tf.ClipByValueAttrs>((x, _, { clipValueMin, clipValueMax }) =>
    float(tf.logicalAnd(tf.greaterEqual(x, clipValueMin), tf.lessEqual(x, clipValueMax))),
  ),
  [tf.Cast]: linear(tf.Cast),
  [tf.PadV2]: ({ tangents, attrs }: KernelCall<tf.PadV2Attrs>) =>
    runKernel(tf.PadV2, { x: tangents["x"]! }, { ...attrs, constantValue: 0 }) as Tensor,

  [tf.Max]: extremum<tf.MaxAttrs>((attrs) => attrs.reductionIndices),
  [tf.Min]: extremum<tf.MinAttrs>((attrs) => attrs.axis),
  [tf.Prod]: product,
  [tf.Softmax]: softmax,
  [tf.LogSoftmax]: logSoftmax,
  [tf._FusedMatMul]: fusedMatMul,
};
