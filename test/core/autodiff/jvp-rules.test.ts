import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { jvp, jvpByDoubleVjp } from "../../../core/autodiff/jvp.ts";
import { builtInRules } from "../../../core/autodiff/jvp-rules.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { directionalDifference, spread, worstError } from "./finite-differences.ts";

interface Row {
  readonly kernel: string;
  readonly f: (...xs: Tensor[]) => Tensor;
  /** Shape and value range of each argument. */
  readonly over: readonly (readonly [shape: number[], low: number, high: number])[];
  /** Why tfjs cannot differentiate it twice, when it cannot. */
  readonly once?: string;
}

const m: [number[], number, number] = [[2, 3], -2, 2];
const positive: [number[], number, number] = [[2, 3], 0.4, 2.5];
const inside: [number[], number, number] = [[2, 3], -0.8, 0.8];
const row = (kernel: string, f: Row["f"], over: Row["over"] = [m], once?: string): Row =>
  once === undefined ? { kernel, f, over } : { kernel, f, over, once };
const unary = (kernel: string, f: (x: Tensor) => Tensor, over = m): Row => row(kernel, (x) => f(x!), [over]);
const fused =
  (activation: "linear" | "relu" | "relu6" | "elu" | "sigmoid" | "leakyrelu") =>
  (a?: Tensor, b?: Tensor, bias?: Tensor): Tensor =>
    tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: bias!, activation });
const fusedOver: Row["over"] = [m, [[3, 4], -1, 1], [[4], -1, 1]];
const weights = () => tf.tensor2d(spread(6, -1, 1, 0.4), [2, 3]);

const rows: readonly Row[] = [
  row(tf.Add, (a, b) => tf.add(a!, b!), [m, [[3], -1, 1]]),
  row(
    tf.Add,
    (a) =>
      tf.add(
        tf.tensor2d([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        a!,
      ),
    [[[3], -1, 1]],
  ),
  row(tf.Sub, (a, b) => tf.sub(a!, b!), [[[3], -1, 1], m]),
  row(tf.Multiply, (a, b) => tf.mul(a!, b!), [m, [[2, 1], -1, 1]]),
  row(tf.RealDiv, (a, b) => tf.div(a!, b!), [m, [[3], 0.7, 2]]),
  row(tf.Pow, (a, b) => tf.pow(a!, b!), [positive, [[3], -1, 2]]),
  row(tf.Pow, (a) => tf.pow(a!, 3), [m]),
  row(tf.SquaredDifference, (a, b) => tf.squaredDifference(a!, b!), [m, [[3], -1, 1]]),
  row(tf.Maximum, (a, b) => tf.maximum(a!, b!), [m, [[3], -0.7, 0.9]]),
  row(tf.Minimum, (a, b) => tf.minimum(a!, b!), [[[3], -0.7, 0.9], m]),
  row(tf.Mod, (a, b) => tf.mod(a!, b!), [positive, [[3], 0.3, 0.35]]),
  row(tf.Atan2, (a, b) => tf.atan2(a!, b!), [m, positive]),
  row(tf.Prelu, (x, alpha) => tf.prelu(x!, alpha!), [m, [[3], 0.1, 0.4]]),
  row(tf.AddN, (a, b) => tf.addN([a!, b!, a!]), [m, m]),
  row(tf.BatchMatMul, (a, b) => tf.matMul(a!, b!), [m, [[3, 4], -1, 1]]),
  row(tf.BatchMatMul, (a, b) => tf.matMul(a!, b!, true, true), [
    [[3, 2], -1, 1],
    [[4, 3], -1, 1],
  ]),
  row(tf.BatchMatMul, (a, b) => tf.matMul(a!, b!), [
    [[5, 2, 3], -1, 1],
    [[3, 4], -1, 1],
  ]),
  row(tf.Einsum, (a, b) => tf.einsum("ij,kj->ik", a!, b!), [m, [[4, 3], -1, 1]], "einsum has no gradient"),
  row(tf._FusedMatMul, fused("linear"), fusedOver),
  row(tf._FusedMatMul, fused("relu"), fusedOver),
  row(tf._FusedMatMul, fused("relu6"), fusedOver),
  row(tf._FusedMatMul, fused("elu"), fusedOver),
  row(tf._FusedMatMul, fused("sigmoid"), fusedOver),
  row(tf._FusedMatMul, fused("leakyrelu"), fusedOver),

  unary(tf.Neg, tf.neg),
  unary(tf.Square, tf.square),
  unary(tf.Sqrt, tf.sqrt, positive),
  unary(tf.Rsqrt, tf.rsqrt, positive),
  unary(tf.Reciprocal, tf.reciprocal, positive),
  unary(tf.Abs, tf.abs),
  unary(tf.Exp, tf.exp),
  unary(tf.Expm1, tf.expm1),
  unary(tf.Log, tf.log, positive),
  unary(tf.Log1p, tf.log1p, positive),
  unary(tf.Erf, tf.erf),
  unary(tf.Sin, tf.sin),
  unary(tf.Cos, tf.cos),
  unary(tf.Tan, tf.tan, inside),
  unary(tf.Asin, tf.asin, inside),
  unary(tf.Acos, tf.acos, inside),
  unary(tf.Atan, tf.atan),
  unary(tf.Sinh, tf.sinh),
  unary(tf.Cosh, tf.cosh),
  unary(tf.Tanh, tf.tanh),
  unary(tf.Asinh, tf.asinh),
  unary(tf.Acosh, tf.acosh, [[2, 3], 1.5, 3]),
  unary(tf.Atanh, tf.atanh, inside),
  unary(tf.Sigmoid, tf.sigmoid),
  unary(tf.Softplus, tf.softplus),
  unary(tf.Relu, tf.relu),
  unary(tf.Relu6, tf.relu6, [[3, 3], -4, 9]),
  unary(tf.LeakyRelu, (x) => tf.leakyRelu(x, 0.3)),
  unary(tf.Elu, tf.elu),
  unary(tf.Selu, tf.selu),
  unary(tf.ClipByValue, (x) => tf.clipByValue(x, -1, 0.5)),
  unary(tf.Cast, (x) => tf.cast(x, "float32")),
  unary(tf.Softmax, (x) => tf.softmax(x)),
  row(tf.LogSoftmax, (x) => tf.engine().runKernel(tf.LogSoftmax, { logits: x! }, { axis: 1 }), [m]),

  unary(tf.Sum, (x) => tf.sum(x, 1)),
  unary(tf.Sum, (x) => tf.sum(x)),
  unary(tf.Mean, (x) => tf.mean(x, 0, true)),
  unary(tf.Max, (x) => tf.max(x, 1)),
  unary(tf.Max, (x) => tf.max(x)),
  unary(tf.Min, (x) => tf.min(x, [0], true)),
  row(tf.Prod, (x) => tf.prod(x!, 1), [m], "Cumprod has no gradient"),
  row(tf.Prod, (x) => tf.prod(x!), [m], "Cumprod has no gradient"),
  unary(tf.Cumsum, (x) => tf.cumsum(x, 1, true, true)),
  unary(tf.Identity, (x) => tf.clone(x)),
  unary(tf.Reshape, (x) => tf.mul(tf.reshape(x, [3, 2]), tf.reshape(weights(), [3, 2]))),
  unary(tf.ExpandDims, (x) => tf.expandDims(x, 1)),
  unary(tf.Transpose, (x) => tf.transpose(x)),
  row(tf.Slice, (x) => tf.slice(x!, [0, 1], [2, 2])),
  row(tf.StridedSlice, (x) => tf.stridedSlice(x!, [0, 0], [2, 3], [1, 2]), [m], "StridedSlice has no gradient"),
  unary(tf.Tile, (x) => tf.tile(x, [2, 1])),
  row(tf.Tile, (x) => tf.broadcastTo(x!, [2, 3]), [[[1, 3], -1, 1]]),
  row(tf.Concat, (a, b) => tf.concat([a!, weights(), b!], 1), [m, m]),
  row(tf.Pack, (a, b) => tf.stack([a!, weights(), b!], 1), [m, m]),
  unary(tf.Unpack, (x) => tf.mul(tf.unstack(x, 1)[0]!, tf.unstack(x, 1)[2]!)),
  unary(tf.SplitV, (x) => tf.mul(...(tf.split(x, [1, 2], 1) as [Tensor, Tensor]))),
  row(tf.PadV2, (x) =>
    tf.pad(
      x!,
      [
        [1, 0],
        [0, 2],
      ],
      7,
    ),
  ),
  row(
    tf.MirrorPad,
    (x) =>
      tf.mirrorPad(
        x!,
        [
          [1, 0],
          [0, 2],
        ],
        "reflect",
      ),
    [m],
    "its gradient has none",
  ),
  unary(tf.Reverse, (x) => tf.reverse(x, 1)),
  unary(tf.Select, (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 3))),
  unary(tf.GatherV2, (x) => tf.gather(x, tf.tensor1d([1, 0, 1], "int32"))),
  row(
    tf.GatherNd,
    (x) =>
      tf.gatherND(
        x!,
        tf.tensor2d(
          [
            [1, 2],
            [0, 0],
          ],
          [2, 2],
          "int32",
        ),
      ),
    [m],
    "GatherNd has no gradient",
  ),
  row(
    tf.ScatterNd,
    (x) => tf.scatterND(tf.tensor2d([[2], [0]], [2, 1], "int32"), x!, [4, 3]),
    [m],
    "ScatterNd has no gradient",
  ),
  unary(tf.UnsortedSegmentSum, (x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 1], "int32"), 3)),
  row(
    tf.BatchToSpaceND,
    (x) =>
      tf.batchToSpaceND(
        x! as tf.Tensor4D,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    [[[4, 1, 1, 1], -1, 1]],
  ),

  unary(tf.Step, (x) => tf.mul(tf.step(x), x)),
  unary(tf.Sign, (x) => tf.mul(tf.sign(x), x)),
  unary(tf.Floor, (x) => tf.mul(tf.floor(x), x)),
  unary(tf.Ceil, (x) => tf.mul(tf.ceil(x), x)),
  unary(tf.Round, (x) => tf.mul(tf.round(x), x)),
  unary(tf.FloorDiv, (x) => tf.mul(tf.floorDiv(x, tf.scalar(0.8)), x)),
  unary(tf.OnesLike, (x) => tf.mul(tf.onesLike(x), x)),
  unary(tf.ZerosLike, (x) => tf.add(tf.zerosLike(x), x)),
];

beforeAll(async () => {
  await useBackend("cpu");
  // No shipped backend has this kernel: tf.logSoftmax is a composition. libtensorflow does.
  tf.registerKernel({
    kernelName: tf.LogSoftmax,
    backendName: "cpu",
    kernelFunc: ({ inputs }) => tf.logSoftmax(inputs["logits"] as Tensor),
  });
});

const argumentsOf = (over: Row["over"], phase: number, narrow = false): Tensor[] =>
  over.map(([shape, low, high], i) =>
    tf.tensor(spread(tf.util.sizeFromShape(shape), narrow ? -1 : low, narrow ? 1 : high, phase + 0.31 * i), shape),
  );

test("every built-in rule has a row here", () => {
  expect(rows.map(({ kernel }) => kernel)).toEqual(expect.arrayContaining(Object.keys(builtInRules)));
});

describe.each(rows.map((it, i) => ({ ...it, name: `${it.kernel} (row ${i})` })))(
  "$name",
  ({ kernel, f, over, once }) => {
    test("has the derivative that finite differences show", async () => {
      const primals = argumentsOf(over, 0);
      const tangents = argumentsOf(over, 0.2, true);
      const { kernelNames } = await tf.profile(() => f(...primals));
      expect(kernelNames).toContain(kernel);

      const before = tf.memory().numTensors;
      const { value, tangent } = jvp(f, primals, tangents);
      expect(tf.memory().numTensors - before).toBe(2);
      expect(tangent.shape).toEqual(value.shape);
      expect([...value.dataSync()]).toEqual([...f(...primals).dataSync()]);
      expect(worstError(tangent.dataSync(), directionalDifference(f, primals, tangents))).toBeLessThan(5e-4);
    });

    test("with one argument held constant agrees too", () => {
      const primals = argumentsOf(over, 0);
      const tangents = argumentsOf(over, 0.2, true).map((tangent, i) => (i === primals.length - 1 ? tangent : null));
      const { tangent } = jvp(f, primals, tangents);
      expect(worstError(tangent.dataSync(), directionalDifference(f, primals, tangents))).toBeLessThan(5e-4);
    });

    test.skipIf(once !== undefined)(
      `agrees with reverse mode twice${once === undefined ? "" : ` (skipped: ${once})`}`,
      () => {
        const primals = argumentsOf(over, 0);
        const tangents = argumentsOf(over, 0.2, true);
        const twice = jvpByDoubleVjp(f, primals, tangents);
        expect(worstError(jvp(f, primals, tangents).tangent.dataSync(), [...twice.tangent.dataSync()])).toBeLessThan(
          1e-5,
        );
      },
    );
  },
);
