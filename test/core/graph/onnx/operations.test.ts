import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import { binaryOps, comparisonOps, type Node, type Op, reductionOps, unaryOps } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { asTensor, bools, evaluated, expectClose, type Feed, floats, inputsOf, ints, runOnnx, wave } from "./run.ts";

beforeAll(() => useBackend("cpu"));

interface Case {
  readonly title: string;
  readonly feeds: readonly Feed[];
  readonly graph: (build: Builder, ...nodes: Node[]) => Node;
  /** The same in tfjs; `any` because each kernel asks for its own rank. */
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly tfjs: (...tensors: any[]) => tf.Tensor;
}

const tests: Case[] = [];
const on = (title: string, feeds: readonly Feed[], graph: Case["graph"], tfjs: Case["tfjs"]): void => {
  tests.push({ title, feeds, graph, tfjs });
};

// ── one operand ──
const signed = floats([2, 6], [-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, -3, 3, 0.25, -0.75, 1]);
const positive = floats([2, 3], [0.1, 0.5, 1, 2, 3.5, 7]);
const inUnit = floats([2, 3], [-0.9, -0.5, 0, 0.25, 0.5, 0.9]);
const unary: Record<Exclude<(typeof unaryOps)[number], "Not" | "IsNaN">, [Feed, (x: tf.Tensor) => tf.Tensor]> = {
  Neg: [signed, tf.neg],
  Abs: [signed, tf.abs],
  Sqrt: [positive, tf.sqrt],
  Exp: [signed, tf.exp],
  Log: [positive, tf.log],
  Sin: [signed, tf.sin],
  Cos: [signed, tf.cos],
  Tan: [inUnit, tf.tan],
  Asin: [inUnit, tf.asin],
  Acos: [inUnit, tf.acos],
  Atan: [signed, tf.atan],
  Sinh: [signed, tf.sinh],
  Cosh: [signed, tf.cosh],
  Tanh: [signed, tf.tanh],
  Sigmoid: [signed, tf.sigmoid],
  Relu: [signed, tf.relu],
  Erf: [signed, tf.erf],
  Softplus: [signed, tf.softplus],
  Floor: [signed, tf.floor],
  Ceil: [signed, tf.ceil],
  Round: [signed, tf.round],
  Sign: [signed, tf.sign],
  Reciprocal: [positive, tf.reciprocal],
};
for (const [op, [feed, tfjs]] of Object.entries(unary)) {
  on(op, [feed], (b, x) => b.unary(op as "Neg", x), tfjs);
}
const truths = bools([2, 3], [1, 0, 1, 1, 0, 0]);
const whole = ints([2, 3], [-7, 5, 0, 3, -2, 9]);
on("Not", [truths], (b, x) => b.unary("Not", x), tf.logicalNot);
on("IsNaN", [floats([3], [1, Number.NaN, Number.POSITIVE_INFINITY])], (b, x) => b.unary("IsNaN", x), tf.isNaN);
for (const [op, tfjs] of [
  ["Neg", tf.neg],
  ["Abs", tf.abs],
  ["Sign", tf.sign],
  ["Relu", tf.relu],
] as const) {
  on(`${op} of int32`, [whole], (b, x) => b.unary(op, x), tfjs);
}

// ── two operands ──
const rows = wave([3, 4]);
const column = floats([3, 1], [1.5, -2, 0.5]);
const row = floats([4], [2, -1.5, 0.5, 3]);
type Two = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
const binary: Record<Exclude<(typeof binaryOps)[number], "Pow">, Two> = {
  Add: tf.add,
  Sub: tf.sub,
  Mul: tf.mul,
  Div: tf.div,
  Max: tf.maximum,
  Min: tf.minimum,
  Mod: tf.mod,
};
const comparisons: Record<"Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Equal", Two> = {
  Greater: tf.greater,
  GreaterOrEqual: tf.greaterEqual,
  Less: tf.less,
  LessOrEqual: tf.lessEqual,
  Equal: tf.equal,
};
const otherInts = ints([3], [2, -3, 5]);
for (const [op, tfjs] of Object.entries({ ...binary, ...comparisons })) {
  const graph: Case["graph"] = (b, x, y) => b.binary(op as "Add", x!, y!);
  on(op, [rows, wave([3, 4], 1)], graph, tfjs);
  on(`${op}, a row and a column`, [column, row], graph, tfjs);
  if (op !== "Div") on(`${op} of int32`, [whole, otherInts], graph, tfjs);
}
on(
  "Div of int32 rounds towards zero",
  [whole, otherInts],
  (b, x, y) => b.binary("Div", x!, y!),
  (x, y) => tf.cast(tf.div(tf.cast(x, "float32"), tf.cast(y, "float32")), "int32"),
);
on(
  "Mod of floats, all signs",
  [floats([4], [5.5, -5.5, 5.5, -5.5]), floats([4], [2, 2, -2, -2])],
  (b, x, y) => b.binary("Mod", x!, y!),
  tf.mod,
);
on("Pow", [positive, floats([3], [2, -0.5, 1.7])], (b, x, y) => b.binary("Pow", x!, y!), tf.pow);
on("Pow of int32", [ints([3], [2, -3, 5]), ints([3], [3, 2, 0])], (b, x, y) => b.binary("Pow", x!, y!), tf.pow);
const otherTruths = bools([3], [1, 1, 0]);
for (const [op, tfjs] of [
  ["And", tf.logicalAnd],
  ["Or", tf.logicalOr],
  ["Xor", tf.logicalXor],
  ["Equal", tf.equal],
  ["Greater", (x: tf.Tensor, y: tf.Tensor) => tf.greater(tf.cast(x, "int32"), tf.cast(y, "int32"))],
  ["LessOrEqual", (x: tf.Tensor, y: tf.Tensor) => tf.lessEqual(tf.cast(x, "int32"), tf.cast(y, "int32"))],
  ["Max", tf.logicalOr],
  ["Min", tf.logicalAnd],
] as const) {
  on(`${op} of truth values`, [truths, otherTruths], (b, x, y) => b.binary(op, x!, y!), tfjs);
}

// ── splats ──
on(
  "a Splat on the left is a scalar",
  [rows],
  (b, x) => b.binary("Sub", b.splat(2, [3, 4]), x),
  (x) => tf.sub(2, x),
);
on(
  "a Splat that gives the shape",
  [row],
  (b, x) => b.binary("Mul", x, b.splat(3, [2, 3, 4])),
  (x) => tf.mul(x, tf.fill([2, 3, 4], 3)),
);
on(
  "Splats alone",
  [rows],
  (b) => b.binary("Pow", b.splat(3, [2, 2]), b.splat(2, [2])),
  () => tf.fill([2, 2], 9),
);
on(
  "Where with Splats",
  [truths],
  (b, x) => b.where(x, b.splat(1.5, [2, 3]), b.splat(-2, [])),
  (x) => tf.where(x, tf.fill([2, 3], 1.5), tf.fill([2, 3], -2)),
);
on(
  "a large Splat, whole",
  [wave([2, 40])],
  (b, x) => b.concat([x, b.splat(0.5, [60, 40])], 0),
  (x) => tf.concat([x, tf.fill([60, 40], 0.5)]),
);
on(
  "a result that is a Splat",
  [rows],
  (b) => b.splat(7, [2, 3], "int32"),
  () => tf.fill([2, 3], 7, "int32"),
);
on("a result that is an Input", [rows], (_, x) => x, tf.clone);
on(
  "a result that is a Const",
  [rows],
  (b) => b.constant(Float32Array.of(1, -0, 3), [3], "float32"),
  () => tf.tensor1d([1, -0, 3]),
);

// ── choices and types ──
const condition = bools([3, 1], [1, 0, 1]);
on(
  "Where",
  [condition, rows, row],
  (b, c, x, y) => b.where(c!, x!, y!),
  (c, x, y) => tf.where(tf.broadcastTo(c, [3, 4]), x, tf.broadcastTo(y, [3, 4])),
);
on(
  "Where of int32",
  [truths, whole, otherInts],
  (b, c, x, y) => b.where(c!, x!, y!),
  (c, x, y) => tf.where(c, x, tf.broadcastTo(y, [2, 3])),
);
on(
  "Where of truth values",
  [truths, otherTruths],
  (b, c, x) => b.where(c!, x!, b.unary("Not", c!)),
  (c, x) => tf.where(c, tf.broadcastTo(x, [2, 3]), tf.logicalNot(c)),
);
for (const feed of [signed, whole, truths]) {
  for (const dtype of ["float32", "int32", "bool"] as const) {
    if (dtype !== feed.dtype)
      on(
        `Cast ${feed.dtype} to ${dtype}`,
        [feed],
        (b, x) => b.cast(x, dtype),
        (x) => tf.cast(x, dtype),
      );
  }
}

// ── reductions ──
const cube = wave([2, 3, 4]);
const reductions: Record<(typeof reductionOps)[number], (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor> = {
  ReduceSum: tf.sum,
  ReduceMean: tf.mean,
  ReduceMax: tf.max,
  ReduceMin: tf.min,
  ReduceProd: tf.prod,
};
for (const [op, tfjs] of Object.entries(reductions)) {
  for (const axes of [[0], [2], [1, 2], [0, 2], [0, 1, 2]]) {
    for (const keep of [false, true]) {
      on(
        `${op} over ${axes}${keep ? ", kept" : ""}`,
        [cube],
        (b, x) => b.reduce(op as "ReduceSum", x, axes, keep),
        (x) => tfjs(x, axes, keep),
      );
    }
  }
  if (op !== "ReduceMean")
    on(
      `${op} of int32`,
      [whole],
      (b, x) => b.reduce(op as "ReduceSum", x, [1], false),
      (x) => tfjs(x, [1], false),
    );
}
on(
  "ReduceMax of truth values",
  [truths],
  (b, x) => b.reduce("ReduceMax", x, [0], false),
  (x) => tf.any(x, 0),
);
on(
  "ReduceMin of truth values",
  [truths],
  (b, x) => b.reduce("ReduceMin", x, [1], true),
  (x) => tf.all(x, 1, true),
);
on(
  "a sum of squares",
  [cube],
  (b, x) => b.reduce("ReduceSum", b.binary("Mul", x, x), [0, 1, 2], true),
  (x) => tf.sum(tf.square(x), [0, 1, 2], true),
);
const ties = floats([2, 4], [1, 3, 3, 0, -1, -1, -5, -5]);
on(
  "ArgMax, the first of equals",
  [ties],
  (b, x) => b.argExtremum("ArgMax", x, 1),
  (x) => tf.argMax(x, 1),
);
on(
  "ArgMin, the first of equals",
  [ties],
  (b, x) => b.argExtremum("ArgMin", x, 1),
  (x) => tf.argMin(x, 1),
);
on(
  "ArgMax of int32",
  [whole],
  (b, x) => b.argExtremum("ArgMax", x, 0),
  (x) => tf.argMax(x, 0),
);

// ── products ──
const swapped = (shape: number[], transposed: boolean): number[] =>
  transposed ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
for (const a of [false, true]) {
  for (const b of [false, true]) {
    const label = `${a ? "aᵀ" : "a"}·${b ? "bᵀ" : "b"}`;
    const product: Case["graph"] = (build, x, y) => build.matmul(x!, y!, a, b);
    const tfjs = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, a, b);
    const [left, right] = [wave(swapped([5, 3], a)), wave(swapped([3, 4], b), 1)];
    on(`MatMul ${label}`, [left, right], product, tfjs);
    on(
      `MatMul ${label} + bias`,
      [left, right, row],
      (build, x, y, c) => build.binary("Add", product(build, x!, y!), c!),
      (x, y, c) => tf.add(tfjs(x, y), c),
    );
    on(`MatMul ${label} in batches`, [wave(swapped([2, 5, 3], a)), wave(swapped([2, 3, 4], b), 1)], product, tfjs);
    on(
      `MatMul ${label}, axes that broadcast`,
      [wave(swapped([2, 1, 5, 3], a)), wave(swapped([3, 3, 4], b), 1)],
      product,
      // tfjs' own broadcasting of both operands' axes pairs the wrong matrices.
      (x, y) => tfjs(tf.tile(x, [1, 3, 1, 1]), tf.tile(tf.expandDims(y, 0), [2, 1, 1, 1])),
    );
    on(
      `MatMul ${label}, one matrix for a batch`,
      [wave(swapped([2, 5, 3], a)), wave(swapped([3, 4], b), 1)],
      product,
      tfjs,
    );
  }
}
on(
  "a matrix + MatMul",
  [wave([5, 3]), wave([3, 4]), wave([5, 4])],
  (b, x, y, c) => b.binary("Add", c!, b.matmul(x!, y!)),
  (x, y, c) => tf.add(c, tf.matMul(x, y)),
);
on(
  "MatMul + MatMul",
  [wave([5, 3]), wave([3, 4]), wave([5, 2]), wave([2, 4])],
  (b, x, y, u, v) => b.binary("Add", b.matmul(x!, y!), b.matmul(u!, v!)),
  (x, y, u, v) => tf.add(tf.matMul(x, y), tf.matMul(u, v)),
);
on(
  "MatMul + MatMul that is read again",
  [wave([4, 4])],
  (b, x) => {
    const product = b.matmul(x, x);
    return b.binary("Mul", b.binary("Add", product, x), product);
  },
  (x) => tf.mul(tf.add(tf.matMul(x, x), x), tf.matMul(x, x)),
);
on(
  "a row + MatMul that it makes larger",
  [wave([1, 3]), wave([3, 4]), wave([5, 4])],
  (b, x, y, c) => b.binary("Add", b.matmul(x!, y!), c!),
  (x, y, c) => tf.add(tf.matMul(x, y), c),
);

// ── rearrangements, of every type ──
for (const [feed, of] of [
  [cube, ""],
  [ints([2, 3, 4], [...Array(24).keys()]), " of int32"],
  [
    bools(
      [2, 3, 4],
      Array.from({ length: 24 }, (_, i) => Number(i % 3 === 0)),
    ),
    " of truth values",
  ],
] as const) {
  on(
    `Reshape${of}`,
    [feed],
    (b, x) => b.reshape(x, [4, 6]),
    (x) => tf.reshape(x, [4, 6]),
  );
  on(
    `Transpose${of}`,
    [feed],
    (b, x) => b.transpose(x, [2, 0, 1]),
    (x) => tf.transpose(x, [2, 0, 1]),
  );
  on(
    `Expand${of}`,
    [feed],
    (b, x) => b.expand(x, [2, 2, 3, 4]),
    (x) => tf.broadcastTo(x, [2, 2, 3, 4]),
  );
  on(
    `Concat${of}`,
    [feed],
    (b, x) => b.concat([x, x, b.reverse(x, [0])], 1),
    (x) => tf.concat([x, x, tf.reverse(x, 0)], 1),
  );
  on(
    `Slice${of}`,
    [feed],
    (b, x) => b.slice(x, [0, 1, 1], [2, 2, 2]),
    (x) => tf.slice(x, [0, 1, 1], [2, 2, 2]),
  );
  on(
    `Slice with strides${of}`,
    [feed],
    (b, x) => b.slice(x, [1, 0, 0], [1, 2, 2], [1, 2, 3]),
    (x) => tf.stridedSlice(x, [1, 0, 0], [2, 3, 4], [1, 2, 3]),
  );
  on(
    `Slice backwards${of}`,
    [feed],
    (b, x) => b.slice(x, [1, 2, 3], [2, 2, 1], [-1, -2, -3]),
    (x) => tf.reverse(tf.stridedSlice(x, [0, 0, 3], [2, 3, 4], [1, 2, 1]), [0, 1]),
  );
  on(
    `Tile${of}`,
    [feed],
    (b, x) => b.tile(x, [1, 2, 3]),
    (x) => tf.tile(x, [1, 2, 3]),
  );
  on(
    `Reverse${of}`,
    [feed],
    (b, x) => b.reverse(x, [0, 2]),
    (x) => tf.reverse(x, [0, 2]),
  );
  on(
    `Gather${of}`,
    [feed, ints([2, 2], [3, 0, 1, 1])],
    (b, x, i) => b.gather(x!, i!, 2),
    (x, i) => tf.gather(x, i, 2),
  );
  if (of !== " of truth values") {
    on(
      `Pad${of}`,
      [feed],
      (b, x) => b.pad(x, [1, 0, 2], [0, 1, 1], 9),
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [0, 1],
            [2, 1],
          ],
          9,
        ),
    );
    on(
      `SegmentSum${of}`,
      [feed, ints([2], [2, 0])],
      (b, x, i) => b.segmentSum(x!, i!, 3),
      (x, i) => tf.cast(tf.unsortedSegmentSum(x, i, 3), x.dtype),
    );
  }
}
on(
  "Reshape to nothing but an axis of length 0",
  [wave([0, 3])],
  (b, x) => b.reshape(x, [3, 0, 2]),
  () => tf.zeros([3, 0, 2]),
);
on(
  "Pad of truth values",
  [truths],
  (b, x) => b.pad(x, [1, 0], [0, 1], 1),
  (x) =>
    tf.cast(
      tf.pad(
        tf.cast(x, "int32"),
        [
          [1, 0],
          [0, 1],
        ],
        1,
      ),
      "bool",
    ),
);
on(
  "SegmentSum, equal ids, two axes of them",
  [wave([2, 3, 2]), ints([2, 3], [1, 1, 0, 1, 3, 0])],
  (b, x, i) => b.segmentSum(x!, i!, 4),
  (x, i) => tf.unsortedSegmentSum(tf.reshape(x, [6, 2]), tf.reshape(i, [6]), 4),
);
for (const dtype of ["float32", "int32", "bool"] as const) {
  on(
    `OneHot to ${dtype}, indices outside`,
    [ints([2, 3], [0, 3, 1, -1, 4, 2])],
    (b, i) => b.oneHot(i, 4, 1, 0, dtype),
    (i) => tf.cast(tf.oneHot(i, 4), dtype),
  );
}
on(
  "OneHot with values",
  [ints([3], [2, 0, 1])],
  (b, i) => b.oneHot(i, 3, 0.9, 0.05, "float32"),
  (i) => tf.oneHot(i, 3, 0.9, 0.05, "float32"),
);
for (const exclusive of [false, true]) {
  for (const reverse of [false, true]) {
    on(
      `CumSum${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`,
      [cube],
      (b, x) => b.cumSum(x, 1, exclusive, reverse),
      (x) => tf.cumsum(x, 1, exclusive, reverse),
    );
  }
}
on(
  "CumSum of int32",
  [whole],
  (b, x) => b.cumSum(x, 1, false, false),
  (x) => tf.cumsum(x, 1),
);
for (const axis of [0, 1, 2]) {
  const last = (x: tf.Tensor, f: (x: tf.Tensor) => tf.Tensor): tf.Tensor => {
    const perm = [0, 1, 2].filter((i) => i !== axis).concat(axis);
    return tf.transpose(
      f(tf.transpose(x, perm)),
      [0, 1, 2].map((i) => perm.indexOf(i)),
    );
  };
  on(
    `Softmax along ${axis}`,
    [cube],
    (b, x) => b.softmax(x, axis),
    (x) => last(x, (y) => tf.softmax(y)),
  );
}

describe.each([false, true])("standard operators only: %s", (standardOnly) => {
  test.each(tests)("$title", async ({ feeds: list, graph, tfjs }) => {
    // Without rules, so that the operation itself is written.
    const build = createBuilder([]);
    const feeds = Object.fromEntries(list.map((feed, i) => [`x${i}`, feed]));
    const inputs = inputsOf(build, feeds);
    const { bytes } = toOnnx({ inputs, outputs: { y: graph(build, ...inputs) } }, { standardOnly });
    const { y } = await runOnnx(bytes, feeds);
    expectClose(
      y!,
      evaluated(() => tfjs(...list.map(asTensor))),
    );
  });
});

test("every operation of the graph is among these", () => {
  const seen = new Set<Op>();
  for (const { feeds, graph } of tests) {
    const build = createBuilder([]);
    const visit = (node: Node): void => {
      seen.add(node.op);
      node.inputs.forEach(visit);
    };
    visit(graph(build, ...inputsOf(build, Object.fromEntries(feeds.map((feed, i) => [`x${i}`, feed])))));
  }
  const others = [
    "Input",
    "Const",
    "Splat",
    "Where",
    "Cast",
    "Expand",
    "Reshape",
    "ArgMax",
    "ArgMin",
    "MatMul",
    "Transpose",
    "Concat",
    "Slice",
    "Pad",
    "Tile",
    "Reverse",
    "Gather",
    "OneHot",
    "SegmentSum",
    "CumSum",
    "Softmax",
  ];
  expect([...seen].sort()).toEqual([...unaryOps, ...binaryOps, ...comparisonOps, ...reductionOps, ...others].sort());
});
