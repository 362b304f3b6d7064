import { expect, test } from "vitest";
import type { Builder } from "../../../../core/graph/builder.ts";
import type { BinaryOp, Node } from "../../../../core/graph/node.ts";
import { allRules } from "../../../../core/graph/rules/index.ts";
import { productCases } from "./product-cases.ts";
import { expectRewriting, type Graph, type Rewriting } from "./rewriting.ts";

const cases: Rewriting[] = [...productCases];
/** Of one rule: title, graph, and what becomes of it. */
const of = (rule: string, list: readonly (readonly [string, Graph, string | null])[]): void => {
  for (const [title, graph, becomes] of list) cases.push({ rule, title, graph, becomes });
};
/** Short for binary operations and for scalars. */
const bin =
  (op: BinaryOp) =>
  (b: Builder, x: Node | number, y: Node | number): Node => {
    const like = [x, y].find((n) => typeof n !== "number") as Node | undefined;
    const node = (n: Node | number): Node => (typeof n === "number" ? b.splat(n, [], like?.dtype) : n);
    return b.binary(op, node(x), node(y));
  };
const [add, sub, mul, div, pow] = [bin("Add"), bin("Sub"), bin("Mul"), bin("Div"), bin("Pow")];
const neg = (b: Builder, x: Node): Node => b.unary("Neg", x);

// ── folding ──
of("fold unary", [
  ["a root", (b) => b.unary("Sqrt", b.splat(4, [2, 3])), "2[2,3]"],
  ["a negation to −0", (b) => neg(b, b.splat(0, [])), "-0"],
  ["a truth value", (b) => b.unary("Not", b.splat(0, [2], "bool")), "1[2]"],
  ["not what it has no formula for", (b) => b.unary("Erf", b.splat(0.5, [2])), null],
  ["not what varies", (b, { x }) => neg(b, x), null],
]);
of("fold binary", [
  ["to the shape of both", (b) => b.binary("Add", b.splat(2, [2, 1]), b.splat(3, [3])), "5[2,3]"],
  ["int32 rounds towards zero", (b) => b.binary("Div", b.splat(-7, [2], "int32"), b.splat(2, [], "int32")), "-3[2]"],
  ["a comparison", (b) => b.binary("Less", b.splat(2, [2]), b.splat(3, [])), "1[2]"],
  ["not what it has no formula for", (b) => b.binary("Mod", b.splat(5, [2]), b.splat(3, [])), null],
  ["not half of it", (b, { x }) => add(b, x, 3), null],
]);
of("fold where", [
  ["the one", (b, { x, y }) => b.where(b.splat(1, [2, 3], "bool"), x, y), "x"],
  ["the other, repeated", (b, { x, row }) => b.where(b.splat(0, [2, 1], "bool"), x, row), "Expand(row)"],
  ["not a condition that varies", (b, { t, x, y }) => b.where(t, x, y), null],
]);
of("fold cast", [
  ["towards zero", (b) => b.cast(b.splat(-2.7, [2]), "int32"), "-2[2]"],
  ["to truth", (b) => b.cast(b.splat(0.5, [2]), "bool"), "1[2]"],
  ["not what varies", (b, { x }) => b.cast(x, "int32"), null],
]);
of("fold rearrangement", [
  ["expand", (b) => b.expand(b.splat(3, [1]), [2, 4]), "3[2,4]"],
  ["reshape", (b) => b.reshape(b.splat(3, [2, 3]), [6]), "3[6]"],
  ["transpose", (b) => b.transpose(b.splat(3, [2, 3]), [1, 0]), "3[3,2]"],
  ["slice", (b) => b.slice(b.splat(3, [2, 3]), [1, 0], [1, 2]), "3[1,2]"],
  ["slice backwards", (b) => b.slice(b.splat(3, [5]), [4], [2], [-2]), "3[2]"],
  ["tile", (b) => b.tile(b.splat(3, [2, 3]), [1, 2]), "3[2,6]"],
  ["reverse, of int32", (b) => b.reverse(b.splat(3, [2, 3], "int32"), [1]), "3[2,3]"],
  ["not what varies", (b, { x }) => b.transpose(x, [1, 0]), null],
]);
const constant = (b: Builder): Node => b.constant(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], "float32");
of("fold reshape of a constant", [
  ["float32", (b) => b.reshape(constant(b), [3, 2]), "{1,2,3,4,5,6}[3,2]"],
  ["int32", (b) => b.reshape(b.constant(Int32Array.of(1, 2), [2], "int32"), [2, 1]), "{1,2}[2,1]"],
  ["not what varies", (b, { x }) => b.reshape(x, [6]), null],
]);
of("fold pad", [
  ["with the same value", (b) => b.pad(b.splat(3, [2]), [1], [2], 3), "3[5]"],
  ["not with another", (b) => b.pad(b.splat(3, [2]), [1], [2], 0), null],
]);
of("fold concat", [
  ["of the same value", (b) => b.concat([b.splat(1, [2, 3]), b.splat(1, [2, 1])], 1), "1[2,4]"],
  ["not of two values", (b) => b.concat([b.splat(1, [2]), b.splat(2, [2])], 0), null],
  ["not of 0 and −0", (b) => b.concat([b.splat(0, [2]), b.splat(-0, [2])], 0), null],
  ["not what varies", (b, { x }) => b.concat([b.splat(1, [2, 3]), x], 0), null],
]);
of("fold reduction", [
  ["a sum", (b) => b.reduce("ReduceSum", b.splat(2, [2, 3]), [0, 1], false), "12"],
  ["a mean, kept", (b) => b.reduce("ReduceMean", b.splat(2, [2, 3]), [1], true), "2[2,1]"],
  ["a maximum of int32", (b) => b.reduce("ReduceMax", b.splat(2, [2, 3], "int32"), [0], false), "2[3]"],
  ["not a product", (b) => b.reduce("ReduceProd", b.splat(2, [2]), [0], false), null],
  ["not over nothing", (b) => b.reduce("ReduceMean", b.splat(2, [0, 2]), [0], false), null],
]);

// ── algebra ──
of("x·1 = x", [
  ["on the right", (b, { x }) => mul(b, x, 1), "x"],
  ["on the left", (b, { x }) => mul(b, 1, x), "x"],
  ["of a larger shape", (b, { row }) => mul(b, row, b.splat(1, [2, 3])), "Expand(row)"],
  ["not int32", (b, { i }) => mul(b, i, 1), null],
  ["not another number", (b, { x }) => mul(b, x, 2), null],
]);
of("x·0 = 0", [
  ["on the right", (b, { x }) => mul(b, x, 0), "Expand(0)"],
  ["on the left", (b, { row }) => mul(b, b.splat(0, [2, 3]), row), "Expand(0)"],
  ["not int32", (b, { i }) => mul(b, i, 0), null],
  ["not another number", (b, { x }) => mul(b, x, 2), null],
]);
of("x·(−1) = −x", [
  ["on the right", (b, { x }) => mul(b, x, -1), "Neg(x)"],
  ["on the left, of a larger shape", (b, { row }) => mul(b, b.splat(-1, [2, 3]), row), "Expand(Neg(row))"],
  ["not int32", (b, { i }) => mul(b, i, -1), null],
]);
of("constants to the right", [
  ["of a product", (b, { x }) => mul(b, 2, x), "Mul(x, 2)"],
  ["of a sum", (b, { x }) => add(b, 2, x), "Add(x, 2)"],
  ["not of a difference", (b, { x }) => sub(b, 2, x), null],
  ["not two of them", (b) => mul(b, b.splat(2, []), b.splat(3, [])), null],
  ["not int32", (b, { i }) => mul(b, 2, i), null],
]);
of("(x·c)·d = x·(c·d)", [
  ["two numbers", (b, { x }) => mul(b, mul(b, x, 3), 0.5), "Mul(x, 1.5)"],
  ["of a larger shape", (b, { row }) => mul(b, mul(b, row, 3), b.splat(0.5, [2, 3])), "Expand(Mul(row, 1.5))"],
  [
    "not where their product overflows",
    (b, { x }) => mul(b, mul(b, b.unary("Abs", mul(b, x, 1e-30)), 1e30), 1e30),
    null,
  ],
  ["not where it is too small", (b, { x }) => mul(b, mul(b, b.unary("Abs", mul(b, x, 1e30)), 1e-30), 1e-30), null],
  ["not a first factor that gives the shape", (b, { row }) => mul(b, mul(b, row, b.splat(3, [2, 3])), 2), null],
  ["not int32", (b, { i }) => mul(b, mul(b, i, 3), 2), null],
]);
of("(−x)·c = x·(−c)", [
  ["a number", (b, { x }) => mul(b, neg(b, x), 3), "Mul(x, -3)"],
  ["not what varies", (b, { x, y }) => mul(b, neg(b, x), y), null],
]);
of("(c/x)·d = (c·d)/x", [
  ["two numbers", (b, { positive }) => mul(b, div(b, 3, positive), 2), "Div(6, positive)"],
  ["not x/c", (b, { x }) => mul(b, div(b, x, 3), 2), null],
  [
    "not where their product overflows",
    (b, { positive }) => mul(b, div(b, 1e30, b.unary("Abs", mul(b, positive, 1e30))), 1e30),
    null,
  ],
]);
of("(−x)·(−y) = x·y", [
  ["two", (b, { x, row }) => mul(b, neg(b, x), neg(b, row)), "Mul(x, row)"],
  ["not one", (b, { x, y }) => mul(b, neg(b, x), y), null],
]);
of("(−x)·y = −(x·y)", [
  ["on the left", (b, { row, x }) => mul(b, neg(b, row), x), "Neg(Mul(row, x))"],
  ["on the right", (b, { row, x }) => mul(b, x, neg(b, row)), "Neg(Mul(x, row))"],
  ["not int32", (b, { i, j }) => mul(b, neg(b, i), j), null],
]);
of("large·small·small = large·(small·small)", [
  ["a row and a scalar", (b, { x, row, s }) => mul(b, mul(b, x, row), s), "Mul(x, Mul(row, s))"],
  ["in any order", (b, { x, row, s }) => mul(b, s, mul(b, row, x)), "Mul(x, Mul(row, s))"],
  ["not where the small ones span the whole", (b, { x, row, column }) => mul(b, mul(b, x, row), column), null],
  ["not where the small ones make a larger one", (b, { x, row, deep }) => mul(b, mul(b, x, row), deep), null],
  ["not two constants", (b, { x }) => mul(b, mul(b, x, 2), 3), null],
  ["not two large ones", (b, { x, y, s }) => mul(b, mul(b, x, y), s), null],
]);
of("x + 0 = x", [
  ["on the right", (b, { x }) => add(b, x, 0), "x"],
  ["on the left, of a larger shape", (b, { row }) => add(b, b.splat(0, [2, 3]), row), "Expand(row)"],
  ["not int32", (b, { i }) => add(b, i, 0), null],
]);
of("x + (−y) = x − y", [
  ["on the right", (b, { x, row }) => add(b, x, neg(b, row)), "Sub(x, row)"],
  ["on the left", (b, { x, row }) => add(b, neg(b, row), x), "Sub(x, row)"],
  ["not int32", (b, { i, j }) => add(b, i, neg(b, j)), null],
]);
of("large + small + small = large + (small + small)", [
  ["a row and a scalar", (b, { x, row, s }) => add(b, add(b, x, row), s), "Add(x, Add(row, s))"],
  ["a row and a number", (b, { x, row }) => add(b, 1, add(b, row, x)), "Add(x, Add(row, 1))"],
  ["not where the small ones span the whole", (b, { x, row, column }) => add(b, add(b, x, row), column), null],
  ["not two large ones", (b, { x, y, s }) => add(b, add(b, x, y), s), null],
]);
const parts = (b: Builder, { x }: { x: Node }) => [b.slice(x, [0, 0], [2, 1]), b.slice(x, [0, 1], [2, 2])] as const;
of("neighbouring pads = concat", [
  [
    "that fill one another's gap",
    (b, n) => add(b, b.pad(parts(b, n)[0], [0, 0], [0, 2], 0), b.pad(parts(b, n)[1], [0, 1], [0, 0], 0)),
    "Concat(Slice(x), Slice(x))",
  ],
  [
    "the later one first",
    (b, n) => add(b, b.pad(parts(b, n)[1], [0, 1], [0, 0], 0), b.pad(parts(b, n)[0], [0, 0], [0, 2], 0)),
    "Concat(Slice(x), Slice(x))",
  ],
  [
    "not with a gap",
    (b, n) => add(b, b.pad(parts(b, n)[0], [0, 0], [0, 3], 0), b.pad(parts(b, n)[1], [0, 2], [0, 0], 0)),
    null,
  ],
  [
    "not that overlap",
    (b, n) => add(b, b.pad(parts(b, n)[1], [0, 0], [0, 1], 0), b.pad(parts(b, n)[1], [0, 1], [0, 0], 0)),
    null,
  ],
  [
    "not of another value",
    (b, n) => add(b, b.pad(parts(b, n)[0], [0, 0], [0, 2], 1), b.pad(parts(b, n)[1], [0, 1], [0, 0], 0)),
    null,
  ],
  ["not along two axes", (b, { x, y }) => add(b, b.pad(x, [0, 0], [2, 3], 0), b.pad(y, [2, 3], [0, 0], 0)), null],
]);
of("x − 0 = x", [
  ["a number", (b, { x }) => sub(b, x, 0), "x"],
  ["not 0 − x", (b, { x }) => sub(b, 0, x), null],
]);
of("0 − x = −x", [
  ["a number", (b, { row }) => sub(b, b.splat(0, [2, 3]), row), "Expand(Neg(row))"],
  ["not x − 0", (b, { x }) => sub(b, x, 0), null],
]);
of("x − (−y) = x + y", [
  ["a negation", (b, { x, row }) => sub(b, x, neg(b, row)), "Add(x, row)"],
  ["not −x − y", (b, { x, row }) => sub(b, neg(b, x), row), null],
]);
of("x/1 = x", [
  ["a number", (b, { x }) => div(b, x, 1), "x"],
  ["not 1/x", (b, { positive }) => div(b, 1, positive), null],
  ["not int32", (b, { i }) => div(b, i, 1), null],
]);
of("x/c = x·(1/c)", [
  ["a number", (b, { x }) => div(b, x, 4), "Mul(x, 0.25)"],
  ["not zero", (b, { x }) => div(b, x, 0), null],
  ["not a number without a reciprocal", (b, { x }) => div(b, mul(b, x, 1e-30), 1e-39), null],
  ["not one with an imprecise reciprocal", (b, { x }) => div(b, mul(b, x, 1e30), 3e38), null],
  ["not int32", (b, { i }) => div(b, i, 4), null],
]);
of("large/small = large·(1/small)", [
  ["by a column", (b, { x, column }) => div(b, x, column), "Mul(x, Reciprocal(column))"],
  ["not by a whole tensor", (b, { x, positive }) => div(b, x, positive), null],
  ["not by a constant", (b, { x }) => div(b, x, 3), null],
  ["not of a constant", (b, { column }) => div(b, b.splat(2, [2, 3]), column), null],
]);
of("small powers", [
  ["0", (b, { positive }) => pow(b, positive, 0), "Expand(1)"],
  ["1", (b, { x }) => pow(b, x, 1), "x"],
  ["2", (b, { x }) => pow(b, x, 2), "Mul(x, x)"],
  ["3", (b, { x }) => pow(b, x, 3), "Mul(Mul(x, x), x)"],
  ["½", (b, { positive }) => pow(b, positive, 0.5), "Sqrt(positive)"],
  ["1½", (b, { positive }) => pow(b, positive, 1.5), "Mul(positive, Sqrt(positive))"],
  ["−½", (b, { positive }) => pow(b, positive, -0.5), "Reciprocal(Sqrt(positive))"],
  ["−1, of a larger shape", (b, { row }) => pow(b, row, b.splat(-1, [2, 3])), "Expand(Reciprocal(row))"],
  ["not 4", (b, { x }) => pow(b, x, 4), null],
  ["not what varies", (b, { positive, x }) => pow(b, positive, x), null],
  ["not int32", (b, { i }) => pow(b, i, 2), null],
]);
of("negations", [
  ["−(−x)", (b, { x }) => neg(b, neg(b, x)), "x"],
  ["−(x − y)", (b, { x, row }) => neg(b, sub(b, x, row)), "Sub(row, x)"],
  ["−(x·c)", (b, { x }) => neg(b, mul(b, x, 3)), "Mul(x, -3)"],
  ["not −(x + y)", (b, { x, y }) => neg(b, add(b, x, y)), null],
  ["not int32", (b, { i, j }) => neg(b, sub(b, i, j)), null],
]);
of("commuting operands in one order", [
  ["a sum", (b, { x, y }) => add(b, y, x), "Add(x, y)"],
  ["a sum in order", (b, { x, y }) => add(b, x, y), null],
  ["of int32", (b, { i, j }) => mul(b, j, i), "Mul(i, j)"],
  ["not a constant from its place", (b, { x }) => mul(b, x, 2), null],
  ["not a difference", (b, { x, y }) => sub(b, y, x), null],
]);

// ── reductions ──
const sum = (b: Builder, x: Node, axes: number[], keep = false): Node => b.reduce("ReduceSum", x, axes, keep);
of("reduction over axes of length 1", [
  ["dropped", (b, { column }) => sum(b, column, [1]), "Reshape(column)"],
  ["kept", (b, { column }) => b.reduce("ReduceMax", column, [1], true), "column"],
  ["of int32", (b, { j }) => b.reduce("ReduceProd", b.reshape(j, [1, 3]), [0], false), "Reshape(Reshape(j))"],
  ["not longer ones", (b, { column }) => sum(b, column, [0, 1]), null],
]);
of("reduction of what is repeated", [
  ["a sum", (b, { row }) => sum(b, b.expand(row, [2, 3]), [0]), "Mul(ReduceSum(Reshape(row)), 2)"],
  [
    "a mean",
    (b, { row }) => b.reduce("ReduceMean", b.expand(row, [2, 3]), [0], false),
    "Mul(ReduceMean(Reshape(row)), 1)",
  ],
  ["over more axes", (b, { column }) => sum(b, b.expand(column, [2, 3]), [0, 1]), "Mul(ReduceSum(column), 3)"],
  ["not along others", (b, { row }) => sum(b, b.expand(row, [2, 3]), [1]), null],
  ["not a maximum", (b, { row }) => b.reduce("ReduceMax", b.expand(row, [2, 3]), [0], false), null],
  ["not int32", (b, { j }) => sum(b, b.expand(j, [2, 3]), [0]), null],
]);
of("Σ(−x) = −Σx", [
  ["a sum", (b, { x }) => sum(b, neg(b, x), [0]), "Neg(ReduceSum(x))"],
  ["a mean of all", (b, { x }) => b.reduce("ReduceMean", neg(b, x), [0, 1], true), "Neg(ReduceMean(x))"],
  ["not a maximum", (b, { x }) => b.reduce("ReduceMax", neg(b, x), [0], false), null],
]);
of("Σ(x·s) = s·Σx", [
  ["on the right", (b, { x, s }) => sum(b, mul(b, x, s), [0]), "Mul(ReduceSum(x), s)"],
  [
    "on the left, of another rank",
    (b, { x, one }) => sum(b, mul(b, one, x), [1], true),
    "Mul(ReduceSum(x), Reshape(one))",
  ],
  ["a constant", (b, { x }) => sum(b, mul(b, x, 3), [0, 1]), "Mul(ReduceSum(x), 3)"],
  [
    "a scalar that adds an axis",
    (b, { row, one }) => sum(b, mul(b, row, b.reshape(one, [1, 1])), [1]),
    "Mul(ReduceSum(Reshape(row)), Reshape(Reshape(one)))",
  ],
  ["not a row", (b, { x, row }) => sum(b, mul(b, x, row), [0]), null],
  ["not a maximum", (b, { x, s }) => b.reduce("ReduceMax", mul(b, x, s), [0], false), null],
  ["not int32", (b, { i }) => sum(b, mul(b, i, 3), [0]), null],
]);
const square = (b: Builder, x: Node): Node => mul(b, x, x);
of("Σ(x·s)² = s²·Σx²", [
  ["a scalar", (b, { x, s }) => sum(b, square(b, mul(b, x, s)), [0, 1]), "Mul(ReduceSum(Mul(x, x)), Mul(s, s))"],
  ["not a constant", (b, { x }) => sum(b, square(b, mul(b, x, 3)), [0, 1]), null],
  ["not a row", (b, { x, row }) => sum(b, square(b, mul(b, x, row)), [0]), null],
  ["not a product of two", (b, { x, y, s }) => sum(b, mul(b, mul(b, x, s), mul(b, y, s)), [0]), null],
]);

// ── shapes ──
of("reshape of a reshape", [
  ["two", (b, { x }) => b.reshape(b.reshape(x, [6]), [3, 2]), "Reshape(x)"],
  ["there and back", (b, { x }) => b.reshape(b.reshape(x, [6]), [2, 3]), "x"],
  ["not one", (b, { x }) => b.reshape(x, [6]), null],
]);
of("transpose of a transpose", [
  ["two", (b, { cube }) => b.transpose(b.transpose(cube, [1, 2, 0]), [2, 1, 0]), "Transpose(cube)"],
  ["there and back", (b, { cube }) => b.transpose(b.transpose(cube, [1, 2, 0]), [2, 0, 1]), "cube"],
  ["not one", (b, { x }) => b.transpose(x, [1, 0]), null],
]);
of("a transpose that moves only axes of length 1", [
  ["a column", (b, { column }) => b.transpose(column, [1, 0]), "Reshape(column)"],
  ["among longer axes", (b, { x }) => b.transpose(b.reshape(x, [2, 1, 3]), [1, 0, 2]), "Reshape(Reshape(x))"],
  ["not longer ones", (b, { x }) => b.transpose(b.reshape(x, [2, 1, 3]), [2, 1, 0]), null],
]);
of("transposed operands of a product", [
  [
    "both",
    (b, { x, y }) => b.matmul(b.transpose(y, [1, 0]), b.transpose(b.reshape(x, [3, 2]), [1, 0])),
    "MatMul(y, Reshape(x))",
  ],
  [
    "with flags of its own",
    (b, { x, y }) => b.matmul(b.transpose(x, [1, 0]), b.transpose(y, [1, 0]), true, false),
    "MatMul(x, y)",
  ],
  ["not in batches", (b, { cube }) => b.matmul(b.transpose(cube, [0, 2, 1]), cube), null],
  ["not where there is none", (b, { x, y }) => b.matmul(x, y, false, true), null],
]);
of("slice of a slice", [
  ["two", (b, { cube }) => b.slice(b.slice(cube, [1, 1, 0], [1, 2, 3]), [0, 1, 1], [1, 1, 2]), "Slice(cube)"],
  [
    "not with strides",
    (b, { cube }) => b.slice(b.slice(cube, [0, 0, 0], [2, 3, 2], [1, 1, 2]), [0, 0, 1], [2, 3, 1]),
    null,
  ],
  [
    "not with strides outside",
    (b, { cube }) => b.slice(b.slice(cube, [0, 0, 0], [2, 2, 4]), [1, 1, 3], [1, 1, 2], [1, -1, -2]),
    null,
  ],
]);
of("slice within one part of a concat", [
  ["the first", (b, { x, y }) => b.slice(b.concat([x, y], 0), [1, 0], [1, 2]), "Slice(x)"],
  ["all of the second", (b, { x, y }) => b.slice(b.concat([x, y], 1), [0, 3], [2, 3]), "y"],
  ["not across two", (b, { x, y }) => b.slice(b.concat([x, y], 0), [1, 0], [2, 3]), null],
  ["not with strides", (b, { x, y }) => b.slice(b.concat([x, y], 0), [1, 0], [1, 2], [1, 2]), null],
]);
of("slice of a pad", [
  ["inside", (b, { x }) => b.slice(b.pad(x, [1, 0], [1, 2], 9), [2, 1], [1, 2]), "Slice(x)"],
  ["outside", (b, { x }) => b.slice(b.pad(x, [1, 0], [1, 2], 9), [1, 3], [2, 2]), "9[2,2]"],
  ["outside before", (b, { i }) => b.slice(b.pad(i, [2, 0], [0, 0], 9), [0, 1], [2, 2]), "9[2,2]"],
  ["not across the edge", (b, { x }) => b.slice(b.pad(x, [1, 0], [1, 2], 9), [0, 0], [2, 3]), null],
]);
of("concat of neighbouring slices", [
  ["the whole", (b, n) => b.concat(parts(b, n), 1), "x"],
  [
    "a part",
    (b, { cube }) => b.concat([b.slice(cube, [1, 0, 0], [1, 1, 4]), b.slice(cube, [1, 1, 0], [1, 1, 4])], 1),
    "Slice(cube)",
  ],
  ["not in another order", (b, n) => b.concat(parts(b, n).toReversed(), 1), null],
  [
    "not along another axis",
    (b, { cube }) => b.concat([b.slice(cube, [0, 0, 0], [1, 1, 4]), b.slice(cube, [0, 1, 0], [1, 1, 4])], 0),
    null,
  ],
  ["not of two tensors", (b, { x, y }) => b.concat([b.slice(x, [0, 0], [2, 1]), b.slice(y, [0, 1], [2, 1])], 1), null],
  [
    "not with strides",
    (b, { cube }) => b.concat([b.slice(cube, [0, 0, 0], [2, 3, 2]), b.slice(cube, [0, 0, 2], [2, 3, 1], [1, 1, 2])], 2),
    null,
  ],
]);
of("expand of an expand", [
  ["two", (b, { column }) => b.expand(b.expand(column, [2, 3]), [4, 2, 3]), "Expand(column)"],
  ["not one", (b, { column }) => b.expand(column, [2, 3]), null],
]);
of("expand that only adds axes of length 1", [
  ["before", (b, { row }) => b.expand(row, [1, 1, 3]), "Reshape(row)"],
  ["not longer ones", (b, { row }) => b.expand(row, [2, 1, 3]), null],
]);

// ── broadcasting ──
of("expand after a unary operation", [
  ["a function", (b, { row }) => b.unary("Exp", b.expand(row, [2, 3])), "Expand(Exp(row))"],
  ["a cast", (b, { row }) => b.cast(b.expand(row, [2, 3]), "int32"), "Expand(Cast(row))"],
  ["not what is whole", (b, { x }) => b.unary("Exp", x), null],
]);
of("expand after a binary operation", [
  ["one operand", (b, { row, x }) => sub(b, b.expand(row, [2, 3]), x), "Sub(row, x)"],
  [
    "both operands",
    (b, { row, column }) => sub(b, b.expand(row, [2, 3]), b.expand(column, [2, 3])),
    "Sub(row, column)",
  ],
  ["both of one row", (b, { row, s }) => sub(b, b.expand(row, [2, 3]), b.expand(s, [2, 3])), "Expand(Sub(row, s))"],
  ["a constant that gives the shape", (b, { row }) => add(b, row, b.splat(2, [2, 3])), "Expand(Add(row, 2))"],
  [
    "int32 and a comparison",
    (b, { j }) => b.binary("Less", b.expand(j, [2, 3]), b.splat(2, [2, 3], "int32")),
    "Expand(Less(j, 2))",
  ],
  ["not what broadcasts by itself", (b, { row, x }) => sub(b, row, x), null],
]);
of("expand after where", [
  ["the choices", (b, { t, row }) => b.where(t, b.expand(row, [2, 3]), b.splat(0, [2, 3])), "Where(t, row, 0)"],
  [
    "all of it",
    (b, { row, s }) => b.where(b.expand(b.cast(s, "bool"), [2, 3]), b.expand(row, [2, 3]), b.splat(0, [2, 3])),
    "Expand(Where(Cast(s), row, 0))",
  ],
  ["not what is whole", (b, { t, x, y }) => b.where(t, x, y), null],
]);
of("expand after a reshape that adds or drops axes of length 1", [
  ["adds", (b, { column }) => b.reshape(b.expand(column, [2, 3]), [2, 1, 3]), "Expand(Reshape(column))"],
  ["drops", (b, { row }) => b.reshape(b.expand(row, [1, 2, 3]), [2, 3]), "Expand(Reshape(row))"],
  ["not joins", (b, { row }) => b.reshape(b.expand(row, [2, 3]), [6]), null],
  ["not splits", (b, { column }) => b.reshape(b.expand(column, [2, 4]), [2, 2, 2]), null],
]);
of("expand after a slice", [
  ["along the repeated axis", (b, { row }) => b.slice(b.expand(row, [4, 3]), [1, 0], [2, 3]), "Expand(row)"],
  ["along the other", (b, { row }) => b.slice(b.expand(row, [4, 3]), [1, 1], [2, 2]), "Expand(Slice(row))"],
  ["not with strides", (b, { row }) => b.slice(b.expand(row, [4, 3]), [0, 0], [2, 3], [2, 1]), null],
]);

test.each(cases)("$rule: $title", expectRewriting);

test("every rule has a case in which it acts and one in which it must not", () => {
  for (const { name } of allRules) {
    const own = cases.filter(({ rule }) => rule === name);
    expect([own.some((c) => c.becomes !== null), own.some((c) => c.becomes === null)], name).toEqual([true, true]);
  }
});
