import type { Builder } from "../../../../core/graph/builder.ts";
import type { Node } from "../../../../core/graph/node.ts";
import type { Graph, Rewriting } from "./rewriting.ts";

const of = (rule: string, list: readonly (readonly [title: string, graph: Graph, becomes: string | null])[]) =>
  list.map(([title, graph, becomes]): Rewriting => ({ rule, title, graph, becomes }));

const add = (b: Builder, x: Node, y: Node): Node => b.binary("Add", x, y);
const mul = (b: Builder, x: Node, y: Node): Node => b.binary("Mul", x, y);
const sum = (b: Builder, x: Node, axes: number[], keep = false): Node => b.reduce("ReduceSum", x, axes, keep);
/** `[3, 2]`. */
const tall = (b: Builder, x: Node): Node => b.reshape(x, [3, 2]);
const column = (b: Builder, line: Node): Node => b.reshape(line, [64, 1]);
/** `[64, 64]`, which is no product to a rule. */
const square = (b: Builder, thin: Node): Node => b.unary("Sin", b.matmul(thin, thin, false, true));
/** It, written. */
const opaque = "Sin(MatMul(thin, thin))";

export const productCases: readonly Rewriting[] = [
  ...of("0·b = 0", [
    ["on the left", (b, { x }) => b.matmul(b.splat(0, [4, 2]), x), "0[4,3]"],
    ["on the right, turned", (b, { x }) => b.matmul(x, b.splat(0, [4, 2]), true, true), "0[3,4]"],
    ["not another number", (b, { x }) => b.matmul(b.splat(2, [4, 2]), x), null],
    ["not in batches", (b, { cube }) => b.matmul(b.splat(0, [2, 5, 3]), cube), null],
  ]),
  ...of("equal rows times b", [
    [
      "a row",
      (b, { row, x }) => b.matmul(b.expand(row, [4, 3]), tall(b, x)),
      "Expand(MatMul(Reshape(row), Reshape(x)))",
    ],
    ["a number", (b, { x }) => b.matmul(b.splat(2, [4, 2]), x), "Expand(MatMul(2[1,2], x))"],
    ["turned", (b, { column: c, x }) => b.matmul(b.expand(c, [2, 5]), x, true), "Expand(MatMul(column, x))"],
    [
      "equal columns on the right",
      (b, { x, row }) => b.matmul(x, b.expand(b.reshape(row, [3, 1]), [3, 4])),
      "Expand(MatMul(x, Reshape(row)))",
    ],
    ["not rows that differ", (b, { column: c, x }) => b.matmul(b.expand(c, [2, 2]), x), null],
    ["not one row", (b, { row, x }) => b.matmul(b.reshape(row, [1, 3]), tall(b, x)), null],
  ]),
  ...of("equal columns times b", [
    ["a column", (b, { column: c, x }) => b.matmul(b.expand(c, [2, 2]), x), "MatMul(column, ReduceSum(x))"],
    [
      "equal rows on the right",
      (b, { x, row }) => b.matmul(x, b.expand(row, [3, 3])),
      "MatMul(ReduceSum(x), Reshape(row))",
    ],
    ["turned", (b, { x, row }) => b.matmul(x, b.expand(row, [2, 3]), true), "MatMul(ReduceSum(x), Reshape(row))"],
    ["not columns that differ", (b, { row, x }) => b.matmul(b.expand(row, [4, 3]), tall(b, x)), null],
  ]),
  ...of("a number times a row", [
    [
      "on the left",
      (b, { row, one }) => b.matmul(b.reshape(one, [1, 1]), b.reshape(row, [1, 3])),
      "Mul(Reshape(row), Reshape(Reshape(one)))",
    ],
    [
      "on the right, turned",
      (b, { row, one }) => b.matmul(b.reshape(row, [1, 3]), b.reshape(one, [1, 1]), true),
      "Mul(Reshape(Reshape(row)), Reshape(Reshape(one)))",
    ],
    ["not a column times a row", (b, { row, column: c }) => b.matmul(c, b.reshape(row, [1, 3])), null],
  ]),
  ...of("(p·q)·b = p·(q·b)", [
    [
      "a column times a row",
      (b, { line, thin }) => b.matmul(b.matmul(column(b, line), column(b, line), false, true), thin),
      "MatMul(Reshape(line), MatMul(Reshape(line), thin))",
    ],
    [
      "turned",
      (b, { line, thin }) =>
        b.matmul(b.matmul(column(b, line), b.unary("Sin", column(b, line)), false, true), thin, true),
      "MatMul(Sin(Reshape(line)), MatMul(Reshape(line), thin))",
    ],
    [
      "on the right",
      (b, { line, thin }) => b.matmul(thin, b.matmul(column(b, line), column(b, line), false, true), true),
      "MatMul(MatMul(thin, Reshape(line)), Reshape(line))",
    ],
    [
      "by a vector",
      (b, { line, thin }) => b.matmul(b.matmul(square(b, thin), square(b, thin)), column(b, line)),
      "MatMul(Sin(MatMul(thin, thin)), MatMul(Sin(MatMul(thin, thin)), Reshape(line)))",
    ],
    ["not where it is no less", (b, { x, y }) => b.matmul(b.matmul(x, tall(b, y)), x), null],
  ]),
  ...of("(x·row)·b = x·(columnᵀ·b), much smaller", [
    [
      "a row",
      (b, { thin, column: c, x }) => b.matmul(mul(b, thin, b.reshape(c, [2])), x),
      "MatMul(thin, Mul(x, Reshape(Reshape(column))))",
    ],
    [
      "on the left of the other",
      (b, { thin, column: c, x }) => b.matmul(mul(b, b.reshape(c, [1, 2]), thin), x),
      "MatMul(thin, Mul(x, Reshape(Reshape(column))))",
    ],
    [
      "the right factor, the other one turned",
      (b, { thin, column: c, x }) => b.matmul(x, mul(b, b.reshape(thin, [2, 64]), c), true),
      "MatMul(Mul(x, column), Reshape(thin))",
    ],
    ["not a column", (b, { thin, line, x }) => b.matmul(mul(b, thin, column(b, line)), x), null],
    ["not a whole matrix", (b, { thin, x }) => b.matmul(mul(b, thin, b.unary("Sin", thin)), x), null],
    ["not into what is larger", (b, { x, row, y }) => b.matmul(mul(b, x, row), tall(b, y)), null],
  ]),
  ...of("(x + y)·b = x·b + y·b, much smaller", [
    [
      "a row",
      (b, { thin, line }) => b.matmul(add(b, b.reshape(thin, [2, 64]), line), thin),
      "Add(MatMul(Reshape(thin), thin), MatMul(Expand(line), thin))",
    ],
    [
      "a product, on the right",
      (b, { thin, line }) =>
        b.matmul(column(b, line), add(b, square(b, thin), b.matmul(square(b, thin), square(b, thin))), true),
      `Add(MatMul(Reshape(line), ${opaque}), MatMul(Reshape(line), MatMul(${opaque}, ${opaque})))`,
    ],
    [
      "a sum with a row",
      (b, { thin, line }) => b.matmul(add(b, square(b, thin), add(b, line, square(b, thin))), thin),
      `Add(MatMul(${opaque}, thin), Add(MatMul(Expand(line), thin), MatMul(${opaque}, thin)))`,
    ],
    [
      "not two that stand for themselves",
      (b, { thin }) => b.matmul(add(b, thin, b.unary("Sin", thin)), thin, true),
      null,
    ],
    ["not by what is no smaller", (b, { x, row, y }) => b.matmul(add(b, x, row), tall(b, y)), null],
  ]),
  ...of("the sum of a product's rows or columns", [
    ["rows", (b, { x, y }) => sum(b, b.matmul(x, tall(b, y)), [0]), "Reshape(MatMul(ReduceSum(x), Reshape(y)))"],
    ["columns, kept", (b, { x, y }) => sum(b, b.matmul(x, tall(b, y)), [1], true), "MatMul(x, ReduceSum(Reshape(y)))"],
    [
      "columns of turned factors",
      (b, { x, y }) => sum(b, b.matmul(x, tall(b, y), true, true), [1]),
      "Reshape(MatMul(x, ReduceSum(Reshape(y))))",
    ],
    ["not of both", (b, { x, y }) => sum(b, b.matmul(x, tall(b, y)), [0, 1]), null],
    ["not of a matrix", (b, { x }) => sum(b, x, [0]), null],
    ["not in batches", (b, { cube }) => sum(b, b.matmul(cube, cube, false, true), [1]), null],
  ]),
  ...of("Σ(x + y) = Σx + Σy, of products", [
    [
      "a product and a row",
      (b, { x, y, row }) => sum(b, add(b, b.matmul(x, tall(b, y)), b.reshape(b.slice(row, [0], [2]), [1, 2])), [0]),
      "Reshape(Add(ReduceSum(MatMul(x, Reshape(y))), ReduceSum(Expand(Reshape(Slice(row))))))",
    ],
    ["not without a product", (b, { x, y }) => sum(b, add(b, x, y), [0]), null],
    ["not over both axes", (b, { x, y }) => sum(b, add(b, x, b.matmul(b.matmul(x, tall(b, y)), x)), [0, 1]), null],
  ]),
];
