import { describe, expect, test } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import type { Node } from "../../../../core/graph/node.ts";
import {
  type Fusion,
  gemm,
  gemmBias,
  layerNorm,
  layerNormAffine,
  standardFusions,
  sumOfSquares,
  sumOverRows,
  unitStep,
} from "../../../../core/graph/onnx/fusions.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { expectClose, type Feed, floats, inputsOf, runOnnx, wave } from "./run.ts";

type Graph = (build: Builder, ...inputs: Node[]) => Record<string, Node>;

/** Checks that fused and plain nodes give the same values; returns the fused operators. */
async function fused(fusions: readonly Fusion[], feeds: readonly Feed[], graph: Graph, tolerance = 1e-6) {
  const named = Object.fromEntries(feeds.map((feed, i) => [`x${i}`, feed]));
  const run = async (chosen: readonly Fusion[]) => {
    const build = createBuilder();
    const inputs = inputsOf(build, named);
    const { bytes, histogram } = toOnnx({ inputs, outputs: graph(build, ...inputs) }, { fusions: chosen });
    return { histogram, results: await runOnnx(bytes, named) };
  };
  const [plain, better] = [await run([]), await run(fusions)];
  for (const [name, value] of Object.entries(plain.results)) expectClose(better.results[name]!, value, tolerance);
  return better.histogram;
}

describe("Gemm", () => {
  const [a, b, row] = [wave([4, 3]), wave([3, 5], 1), wave([5], 2)];
  const both = [gemm, gemmBias];

  test("takes a bias on either side, as a row or a vector", async () => {
    expect(await fused(both, [a, b, row], (g, x, w, c) => ({ y: g.binary("Add", g.matmul(x!, w!), c!) }))).toEqual({
      Gemm: 1,
    });
    expect(
      await fused(both, [a, b, wave([1, 5])], (g, x, w, c) => ({ y: g.binary("Add", c!, g.matmul(x!, w!)) })),
    ).toEqual({ Gemm: 1 });
  });

  test("leaves a whole matrix, a column and a second bias to Add", async () => {
    for (const addend of [wave([4, 5]), wave([4, 1])]) {
      const graph: Graph = (g, x, w, c) => ({ y: g.binary("Add", g.matmul(x!, w!), c!) });
      expect(await fused(both, [a, b, addend], graph)).toEqual({ Gemm: 1, Add: 1 });
    }
    const twice: Graph = (g, x, w, c) => {
      const first = g.binary("Add", g.matmul(x!, w!), c!);
      return { y: g.binary("Add", first, g.unary("Exp", c!)) };
    };
    expect(await fused(both, [a, b, row], twice)).toEqual({ Gemm: 1, Exp: 1, Add: 1 });
  });

  test("leaves a bias to Add when the product is read elsewhere", async () => {
    const graph: Graph = (g, x, w, c) => {
      const product = g.matmul(x!, w!);
      return { y: g.binary("Add", product, c!), product };
    };
    expect(await fused(both, [a, b, row], graph)).toEqual({ Gemm: 1, Add: 1 });
  });
});

test("a norm's sum of squares reads its operand once; a row's does not change", async () => {
  const graph: Graph = (g, x) => ({ y: g.reduce("ReduceSum", g.binary("Mul", x!, x!), [0, 1], false) });
  expect(await fused([sumOfSquares], [wave([30, 20])], graph)).toEqual({ ReduceSumSquare: 1 });
  const rows: Graph = (g, x) => ({ y: g.reduce("ReduceSum", g.binary("Mul", x!, x!), [1], false) });
  expect(await fused([sumOfSquares], [wave([30, 20])], rows)).toEqual({ Mul: 1, ReduceSum: 1 });
});

describe("a unit step", () => {
  const x = floats([9], [Number.NaN, 1, -1, 0, -0, 2 ** -126, -(2 ** -126), Number.POSITIVE_INFINITY, -3e38]);
  const step = (g: Builder, v: Node, given: { missing?: Node; below?: number } = {}): Node => {
    const { missing = v, below = 0 } = given;
    const positive = g.binary("Greater", v, g.splat(0, []));
    return g.where(g.unary("IsNaN", missing), v, g.where(positive, g.splat(1, []), g.splat(below, [])));
  };

  test("is one operation, exact at zero, at the smallest and the largest numbers, and for NaN", async () => {
    expect(await fused([unitStep], [x], (g, v) => ({ y: step(g, v!) }), 0)).toEqual({ HardSigmoid: 1 });
  });

  test("not with a slope below zero, nor with another's NaN", async () => {
    expect(await fused([unitStep], [x], (g, v) => ({ y: step(g, v!, { below: 0.1 }) }))).not.toHaveProperty(
      "HardSigmoid",
    );
    const other: Graph = (g, v) => ({ y: step(g, v!, { missing: g.unary("Sin", v!) }) });
    expect(await fused([unitStep], [x], other)).not.toHaveProperty("HardSigmoid");
  });
});

describe("a sum over leading axes is a product with ones", () => {
  const sum =
    (axes: number[], keep: boolean): Graph =>
    (g, x) => ({ y: g.reduce("ReduceSum", x!, axes, keep) });

  test.each([
    [[6, 5], [0], false, { MatMul: 1 }],
    [[6, 5], [0], true, { MatMul: 1, Reshape: 1 }],
    [[2, 3, 4], [0, 1], false, { Reshape: 1, MatMul: 1 }],
    [[2, 3, 4], [0], false, { Reshape: 2, MatMul: 1 }],
    // Left as they are: last axes, everything, a single column, nothing at all.
    [[6, 5], [1], false, { ReduceSum: 1 }],
    [[2, 3, 4], [1], true, { ReduceSum: 1 }],
    [[6, 5], [0, 1], false, { ReduceSum: 1 }],
    [[6, 1], [0], false, { ReduceSum: 1 }],
    [[0, 5], [0], false, { ReduceSum: 1 }],
  ] as const)("%j over %j, axes kept: %s", async (shape, axes, keep, ops) => {
    expect(await fused([sumOverRows], [wave(shape)], sum([...axes], keep))).toEqual(ops);
  });

  test("not of whole numbers", async () => {
    const graph: Graph = (g, x) => ({ y: g.reduce("ReduceSum", g.cast(x!, "int32"), [0], false) });
    expect(await fused([sumOverRows], [wave([6, 5])], graph)).toEqual({ Cast: 1, ReduceSum: 1 });
  });
});

describe("LayerNormalization", () => {
  const normal = (g: Builder, x: Node, axes: number[], style: "divide" | "multiply", epsilon = 1e-5) => {
    const centred = g.binary("Sub", x, g.reduce("ReduceMean", x, axes, true));
    const variance = g.reduce("ReduceMean", g.binary("Mul", centred, centred), axes, true);
    const deviation = g.unary("Sqrt", g.binary("Add", variance, g.splat(epsilon, [])));
    const y =
      style === "divide"
        ? g.binary("Div", centred, deviation)
        : g.binary("Mul", centred, g.unary("Reciprocal", deviation));
    return { y, centred };
  };
  const both = [layerNorm, layerNormAffine];
  const x = wave([4, 3, 8]);

  test.each(["divide", "multiply"] as const)("of the last axis and the last two: %s", async (style) => {
    for (const axes of [[2], [1, 2]]) {
      const histogram = await fused(both, [x], (g, v) => ({ y: normal(g, v!, axes, style).y }));
      expect(histogram).toEqual({ LayerNormalization: 1 });
    }
  });

  test("far from zero it is at least as exact", async () => {
    const far = floats(
      [2, 256],
      wave([2, 256]).values.map((v) => v + 100),
    );
    expect(await fused(both, [far], (g, v) => ({ y: normal(g, v!, [1], "divide").y }), 1e-5)).toEqual({
      LayerNormalization: 1,
    });
  });

  test("with a gain, with a gain and a bias", async () => {
    const affine: Graph = (g, v, gain, bias) => {
      const scaled = g.binary("Mul", normal(g, v!, [2], "multiply").y, gain!);
      return { y: bias === undefined ? scaled : g.binary("Add", scaled, bias) };
    };
    expect(await fused(both, [x, wave([8], 1)], affine)).toEqual({ LayerNormalization: 1 });
    expect(await fused(both, [x, wave([8], 1), wave([8], 2)], affine)).toEqual({ LayerNormalization: 1 });
  });

  test("leaves a gain per row, and a bias without a gain, to their own nodes", async () => {
    const graph: Graph = (g, v, c) => ({ y: g.binary("Mul", normal(g, v!, [2], "divide").y, c!) });
    expect(await fused(both, [x, wave([3, 8], 1)], graph)).toEqual({ LayerNormalization: 1, Mul: 1 });
    const bias: Graph = (g, v, c) => ({ y: g.binary("Add", normal(g, v!, [2], "divide").y, c!) });
    expect(await fused(both, [x, wave([8], 1)], bias)).toEqual({ LayerNormalization: 1, Add: 1 });
  });

  test("not where a backward pass reads what lies between, over other axes, or with different centres", async () => {
    const read: Graph = (g, v) => normal(g, v!, [2], "multiply");
    expect(await fused(both, [x], read)).not.toHaveProperty("LayerNormalization");
    const first: Graph = (g, v) => ({ y: normal(g, v!, [1], "divide").y });
    expect(await fused(both, [x], first)).not.toHaveProperty("LayerNormalization");
    const crossed: Graph = (g, v) => {
      const { centred } = normal(g, v!, [2], "divide");
      const deviation = normal(g, g.unary("Exp", v!), [2], "divide").y.inputs[1]!;
      const [reciprocal, root] = [deviation, deviation.inputs[0]!];
      const other = reciprocal.op === "Reciprocal" ? root : reciprocal;
      return { y: g.binary("Div", centred, other), square: g.binary("Mul", centred, centred) };
    };
    expect(await fused(both, [x], crossed)).not.toHaveProperty("LayerNormalization");
  });

  test("leaves a gain to its own node when the normal itself is read", async () => {
    const graph: Graph = (g, v, gain) => {
      const { y } = normal(g, v!, [2], "multiply");
      return { normal: y, y: g.binary("Mul", y, gain!) };
    };
    expect(await fused(both, [x, wave([8], 1)], graph)).toEqual({ LayerNormalization: 1, Mul: 1 });
  });

  test("all standard fusions in one block", async () => {
    const block: Graph = (g, v, w, c) => {
      const h = g.binary("Add", g.matmul(v!, w!), c!);
      const y = normal(g, h, [1], "multiply").y;
      return { y, norm: g.reduce("ReduceSum", g.binary("Mul", y, y), [0, 1], false) };
    };
    expect(await fused(standardFusions, [wave([6, 4]), wave([4, 8], 1), wave([8], 2)], block)).toEqual({
      Gemm: 1,
      LayerNormalization: 1,
      ReduceSumSquare: 1,
    });
  });
});
