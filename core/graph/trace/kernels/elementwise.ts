import * as tf from "@tensorflow/tfjs-core";
import type { Builder } from "../../builder.ts";
import type { BinaryOp, Node, UnaryOp } from "../../node.ts";
import { type KernelTable, kernel } from "./kernel.ts";

type X = "x";
type AB = "a" | "b";

const unary = (op: UnaryOp) => kernel<X>(({ inputs: { x }, build }) => build.unary(op, x));
const binary = (op: BinaryOp) => kernel<AB>(({ inputs: { a, b }, build }) => build.binary(op, a, b));
/** A composition of one input. */
const from = <A = unknown>(compose: (x: Node, build: Builder, attrs: A) => Node) =>
  kernel<X, A>(({ inputs: { x }, build, attrs }) => compose(x, build, attrs));

const scalar = (build: Builder, value: number): Node => build.splat(value, []);
const positive = (x: Node, build: Builder): Node => build.binary("Greater", x, scalar(build, 0));
/** Largest finite float32. */
const largest = 3.4028234663852886e38;

export const relu6 = (x: Node, build: Builder): Node => build.binary("Min", build.unary("Relu", x), scalar(build, 6));
export const elu = (x: Node, build: Builder): Node =>
  build.where(positive(x, build), x, build.binary("Sub", build.unary("Exp", x), scalar(build, 1)));
export const prelu = (x: Node, alpha: Node, build: Builder): Node =>
  build.where(positive(x, build), x, build.binary("Mul", x, alpha));

export const elementwise: KernelTable = {
  [tf.Neg]: unary("Neg"),
  [tf.Abs]: unary("Abs"),
  [tf.Sqrt]: unary("Sqrt"),
  [tf.Exp]: unary("Exp"),
  [tf.Log]: unary("Log"),
  [tf.Sin]: unary("Sin"),
  [tf.Cos]: unary("Cos"),
  [tf.Tan]: unary("Tan"),
  [tf.Asin]: unary("Asin"),
  [tf.Acos]: unary("Acos"),
  [tf.Atan]: unary("Atan"),
  [tf.Sinh]: unary("Sinh"),
  [tf.Cosh]: unary("Cosh"),
  [tf.Tanh]: unary("Tanh"),
  [tf.Sigmoid]: unary("Sigmoid"),
  [tf.Relu]: unary("Relu"),
  [tf.Erf]: unary("Erf"),
  [tf.Softplus]: unary("Softplus"),
  [tf.Floor]: unary("Floor"),
  [tf.Ceil]: unary("Ceil"),
  [tf.Round]: unary("Round"),
  [tf.Sign]: unary("Sign"),
  [tf.Reciprocal]: unary("Reciprocal"),
  [tf.LogicalNot]: unary("Not"),
  [tf.IsNan]: unary("IsNaN"),
  [tf.IsFinite]: from((x, build) => build.binary("LessOrEqual", build.unary("Abs", x), scalar(build, largest))),
  [tf.IsInf]: from((x, build) => build.binary("Greater", build.unary("Abs", x), scalar(build, largest))),
  [tf.Square]: from((x, build) => build.binary("Mul", x, x)),
  [tf.Rsqrt]: from((x, build) => build.unary("Reciprocal", build.unary("Sqrt", x))),
  [tf.Expm1]: from(expm1),
  [tf.Log1p]: from(log1p),
  [tf.Asinh]: from((x, build) => {
    // sign(x)·log1p(|x| + x²/(1 + √(x² + 1))): no cancellation for negative x, none near zero.
    const size = build.unary("Abs", x);
    const square = build.binary("Mul", x, x);
    const root = build.unary("Sqrt", build.binary("Add", square, scalar(build, 1)));
    const rest = build.binary("Div", square, build.binary("Add", root, scalar(build, 1)));
    return build.binary("Mul", build.unary("Sign", x), log1p(build.binary("Add", size, rest), build));
  }),
  [tf.Acosh]: from((x, build) => {
    const root = build.unary("Sqrt", build.binary("Sub", build.binary("Mul", x, x), scalar(build, 1)));
    return build.unary("Log", build.binary("Add", x, root));
  }),
  [tf.Atanh]: from((x, build) => {
    const difference = build.binary("Sub", log1p(x, build), log1p(build.unary("Neg", x), build));
    return build.binary("Mul", difference, scalar(build, 0.5));
  }),
  [tf.Step]: from<tf.StepAttrs>((x, build, { alpha = 0 }) => {
    const step = build.where(positive(x, build), scalar(build, 1), scalar(build, alpha));
    // NaN stays NaN, as in tfjs.
    return build.where(build.unary("IsNaN", x), x, step);
  }),
  [tf.LeakyRelu]: from<tf.LeakyReluAttrs>((x, build, { alpha }) => prelu(x, scalar(build, alpha), build)),
  [tf.Prelu]: kernel<"x" | "alpha">(({ inputs: { x, alpha }, build }) => prelu(x, alpha, build)),
  [tf.Elu]: from(elu),
  [tf.EluGrad]: kernel<"dy" | "y">(({ inputs: { dy, y }, build }) =>
    build.where(
      build.binary("GreaterOrEqual", y, scalar(build, 0)),
      dy,
      build.binary("Mul", dy, build.binary("Add", y, scalar(build, 1))),
    ),
  ),
  [tf.Selu]: from((x, build) => {
    const { SELU_SCALE, SELU_SCALEALPHA } = tf.backend_util;
    const below = build.binary(
      "Mul",
      build.binary("Sub", build.unary("Exp", x), scalar(build, 1)),
      scalar(build, SELU_SCALEALPHA),
    );
    return build.where(positive(x, build), build.binary("Mul", x, scalar(build, SELU_SCALE)), below);
  }),
  [tf.Relu6]: from(relu6),
  [tf.ClipByValue]: from<tf.ClipByValueAttrs>((x, build, { clipValueMin, clipValueMax }) =>
    build.binary("Min", build.binary("Max", x, scalar(build, clipValueMin)), scalar(build, clipValueMax)),
  ),
  [tf.Cast]: from<tf.CastAttrs>((x, build, { dtype }) => build.cast(x, dtype as "float32")),

  [tf.Add]: binary("Add"),
  [tf.Sub]: binary("Sub"),
  [tf.Multiply]: kernel<AB>(({ inputs: { a, b }, build }) => build.binary(a.dtype === "bool" ? "And" : "Mul", a, b)),
  [tf.RealDiv]: binary("Div"),
  [tf.Maximum]: binary("Max"),
  [tf.Minimum]: binary("Min"),
  [tf.Pow]: binary("Pow"),
  [tf.Mod]: binary("Mod"),
  [tf.Greater]: binary("Greater"),
  [tf.GreaterEqual]: binary("GreaterOrEqual"),
  [tf.Less]: binary("Less"),
  [tf.LessEqual]: binary("LessOrEqual"),
  [tf.Equal]: binary("Equal"),
  [tf.LogicalAnd]: binary("And"),
  [tf.LogicalOr]: binary("Or"),
  [tf.NotEqual]: kernel<AB>(({ inputs: { a, b }, build }) => build.unary("Not", build.binary("Equal", a, b))),
  [tf.FloorDiv]: kernel<AB>(({ inputs: { a, b }, build }) =>
    a.dtype === "int32" ? floorDivWhole(a, b, build) : build.unary("Floor", build.binary("Div", a, b)),
  ),
  [tf.SquaredDifference]: kernel<AB>(({ inputs: { a, b }, build }) => {
    const difference = build.binary("Sub", a, b);
    return build.binary("Mul", difference, difference);
  }),
  [tf.Atan2]: kernel<AB>(({ inputs: { a: y, b: x }, build }) => atan2(y, x, build)),
  [tf.AddN]: kernel(({ inputs, build }) => Object.values(inputs).reduce((sum, x) => build.binary("Add", sum, x))),
  [tf.FusedBatchNorm]: kernel<"x" | "mean" | "variance" | "scale" | "offset", tf.FusedBatchNormAttrs>(
    ({ inputs: { x, mean, variance, scale, offset }, attrs, build }) => {
      const deviation = build.unary("Sqrt", build.binary("Add", variance, scalar(build, attrs.varianceEpsilon)));
      const normal = build.binary("Div", build.binary("Sub", x, mean), deviation);
      const scaled = scale === undefined ? normal : build.binary("Mul", normal, scale);
      return offset === undefined ? scaled : build.binary("Add", scaled, offset);
    },
  ),
  [tf.Select]: kernel<"condition" | "t" | "e">(({ inputs: { condition, t, e }, build }) => {
    const rows = condition.shape.length === 1 && t.shape.length > 1;
    const aligned = rows
      ? build.reshape(condition, [condition.shape[0]!, ...t.shape.slice(1).map(() => 1)])
      : condition;
    return build.where(aligned, t, e);
  }),
};

/** atan(y/x), half a turn further where x is negative; ±π/2 on the y axis and π on the negative x axis. */
function atan2(y: Node, x: Node, build: Builder): Node {
  const zero = scalar(build, 0);
  const left = build.where(build.binary("Less", y, zero), scalar(build, -Math.PI), scalar(build, Math.PI));
  const turn = build.where(build.binary("Less", x, zero), left, zero);
  const angle = build.binary("Add", build.unary("Atan", build.binary("Div", y, x)), turn);
  const onAxis = build.binary("Mul", build.unary("Sign", y), scalar(build, Math.PI / 2));
  return build.where(build.binary("Equal", x, zero), onAxis, angle);
}

/** log(1 + x), where u = 1 + x is rounded: log(u)·x/(u − 1) takes the rounding out again (HP-15C handbook, 1982). */
function log1p(x: Node, build: Builder): Node {
  const one = scalar(build, 1);
  const u = build.binary("Add", x, one);
  const log = build.unary("Log", u);
  const corrected = build.binary("Mul", log, build.binary("Div", x, build.binary("Sub", u, one)));
  const large = build.where(build.binary("Greater", u, scalar(build, largest)), log, corrected);
  return build.where(build.binary("Equal", u, one), x, large);
}

/** exp(x) − 1, where u = exp(x) is rounded: (u − 1)·x/log(u) takes the rounding out again. */
function expm1(x: Node, build: Builder): Node {
  const one = scalar(build, 1);
  const u = build.unary("Exp", x);
  const less = build.binary("Sub", u, one);
  const corrected = build.binary("Mul", less, build.binary("Div", x, build.unary("Log", u)));
  const far = build.binary("Greater", build.unary("Abs", x), one);
  return build.where(build.binary("Equal", u, one), x, build.where(far, less, corrected));
}

/** Exact, where a quotient of float32 is not; 0 where the divisor is 0, as in tfjs. */
function floorDivWhole(a: Node, b: Node, build: Builder): Node {
  const [zero, one] = [build.splat(0, [], "int32"), build.splat(1, [], "int32")];
  const none = build.binary("Equal", b, zero);
  const divisor = build.where(none, one, b);
  const multiple = build.binary("Sub", a, build.binary("Mod", a, divisor));
  return build.where(none, zero, build.binary("Div", multiple, divisor));
}
