import type { Builder, Draft, Rule } from "../builder.ts";
import { type Node, type Shape, sameShape, sizeOf } from "../node.ts";
import { splatValue } from "./folding.ts";

/** An operand of a product of two matrices, read transposed if it is turned. */
interface Factor {
  readonly x: Node;
  readonly turned: boolean;
}

const axis = ({ turned }: Factor, of: "rows" | "columns"): 0 | 1 => ((of === "rows") === turned ? 1 : 0);
const length = (factor: Factor, of: "rows" | "columns"): number => factor.x.shape[axis(factor, of)]!;
const turn = ({ x, turned }: Factor): Factor => ({ x, turned: !turned });

type Product = (a: Factor, b: Factor) => Factor;
/** What becomes of the product a·b; null leaves it. */
type Rewrite = (a: Factor, b: Factor, product: Product, build: Builder, shape: Shape) => Node | null;

/** The factors of a product of two float32 matrices. */
function factorsOf({ op, inputs: [a, b], attrs, dtype }: Draft): [Factor, Factor] | null {
  if (op !== "MatMul" || dtype !== "float32" || a!.shape.length !== 2 || b!.shape.length !== 2) return null;
  return [
    { x: a!, turned: attrs["transposeA"] as boolean },
    { x: b!, turned: attrs["transposeB"] as boolean },
  ];
}

/** A rule that looks at the left factor, and at the right one as the left of (a·b)ᵀ = bᵀ·aᵀ. */
const productRule = (name: string, rewrite: Rewrite): Rule => ({
  name,
  ops: ["MatMul"],
  apply(draft, build) {
    const factors = factorsOf(draft);
    if (factors === null) return null;
    const [a, b] = factors;
    const multiply = (l: Factor, r: Factor): Node => build.matmul(l.x, r.x, l.turned, r.turned);
    const straight: Product = (l, r) => ({ x: multiply(l, r), turned: false });
    const mirrored: Product = (l, r) => ({ x: multiply(turn(r), turn(l)), turned: true });
    return rewrite(a, b, straight, build, draft.shape) ?? rewrite(turn(b), turn(a), mirrored, build, draft.shape);
  },
});

/** The shape of a node that broadcasts to a matrix, as a matrix. */
const asMatrix = ({ shape }: Node): Shape => [...new Array<number>(2 - shape.length).fill(1), ...shape];

/** What is repeated along an axis, once; null where entries may differ. */
function once(x: Node, along: 0 | 1, build: Builder): Node | null {
  const shape = x.shape.with(along, 1);
  const value = splatValue(x);
  if (x.shape[along] === 1) return null;
  if (value !== null) return build.splat(value, shape);
  if (x.op !== "Expand") return null;
  const from = asMatrix(x.inputs[0]!);
  return from[along] === 1 ? build.expand(build.reshape(x.inputs[0]!, from), shape) : null;
}

/** So few columns that a product with it costs little beside one with a square matrix. */
const isThin = (b: Factor): boolean => 32 * length(b, "columns") <= length(b, "rows");

/** Whether an addend leaves less to compute when it is multiplied by itself: a row, a product, or a sum with one. */
const stands = (addend: Node, whole: Shape): boolean =>
  sizeOf(addend.shape) < sizeOf(whole) ||
  addend.op === "MatMul" ||
  (addend.op === "Add" && addend.inputs.some((x) => stands(x, whole)));

/**
 * Products of matrices that need not be computed, or not in full. The order of summation changes, and so may the last
 * bits. That a result is "much smaller" makes up for operands that something else needs as they were.
 */
export const products: readonly Rule[] = [
  productRule("0·b = 0", (a, _b, _product, build, shape) => (splatValue(a.x) === 0 ? build.splat(0, shape) : null)),
  productRule("equal rows times b", (a, b, product, build, shape) => {
    const row = once(a.x, axis(a, "rows"), build);
    return row === null ? null : build.expand(product({ ...a, x: row }, b).x, shape);
  }),
  productRule("equal columns times b", (a, b, product, build) => {
    const column = once(a.x, axis(a, "columns"), build);
    if (column === null) return null;
    return product({ ...a, x: column }, { ...b, x: build.reduce("ReduceSum", b.x, [axis(b, "rows")], true) }).x;
  }),
  productRule("a number times a row", (a, b, _product, build, shape) =>
    sizeOf(a.x.shape) === 1 ? build.binary("Mul", build.reshape(b.x, shape), build.reshape(a.x, [])) : null,
  ),
  productRule("(p·q)·b = p·(q·b)", (a, b, product) => {
    const inner = factorsOf(a.x);
    if (inner === null) return null;
    const [p, q] = a.turned ? [turn(inner[1]), turn(inner[0])] : inner;
    const [m, j, k, n] = [length(p, "rows"), length(q, "rows"), length(b, "rows"), length(b, "columns")];
    const [before, after] = [m * k * n, j * k * n + m * j * n];
    // Something else may read p·q; where b is thin that costs little.
    const better = 2 * after <= before || (isThin(b) && 2 * after <= before + m * j * k);
    return better ? product(p, product(q, b)).x : null;
  }),
  productRule("(x·row)·b = x·(columnᵀ·b), much smaller", (a, b, product, build) => {
    if (a.x.op !== "Mul" || 2 * length(b, "columns") > length(a, "rows")) return null;
    for (const [x, row] of [a.x.inputs, a.x.inputs.toReversed()] as [Node, Node][]) {
      const across = asMatrix(row)[axis(a, "rows")] === 1 && sizeOf(row.shape) === length(a, "columns");
      if (!sameShape(x.shape, a.x.shape) || sizeOf(row.shape) === sizeOf(x.shape) || !across) continue;
      const column = build.reshape(row, [1, 1].with(axis(b, "rows"), sizeOf(row.shape)));
      return product({ ...a, x }, { ...b, x: build.binary("Mul", b.x, column) }).x;
    }
    return null;
  }),
  productRule("(x + y)·b = x·b + y·b, much smaller", (a, b, product, build) => {
    if (a.x.op !== "Add" || !isThin(b)) return null;
    const { shape } = a.x;
    if (!a.x.inputs.some((addend) => stands(addend, shape))) return null;
    const [x, y] = a.x.inputs.map((addend) => product({ ...a, x: build.expand(addend, shape) }, b).x);
    return build.binary("Add", x!, y!);
  }),
  {
    name: "the sum of a product's rows or columns",
    ops: ["ReduceSum"],
    apply({ inputs: [x], attrs, shape }, build) {
      const factors = factorsOf(x!);
      const [along, ...more] = attrs["axes"] as readonly (0 | 1)[];
      if (factors === null || more.length > 0) return null;
      const of = along === 0 ? "rows" : "columns";
      const [a, b] = factors.map((factor, i) =>
        i === along ? build.reduce("ReduceSum", factor.x, [axis(factor, of)], true) : factor.x,
      );
      return build.reshape(build.matmul(a!, b!, factors[0].turned, factors[1].turned), shape);
    },
  },
  {
    name: "Σ(x + y) = Σx + Σy, of products",
    ops: ["ReduceSum"],
    apply({ inputs: [sum], attrs, shape }, build) {
      const [along, ...more] = attrs["axes"] as readonly number[];
      if (sum!.op !== "Add" || more.length > 0 || !sum!.inputs.some((addend) => factorsOf(addend) !== null))
        return null;
      const [x, y] = sum!.inputs.map((addend) =>
        build.reduce("ReduceSum", build.expand(addend, sum!.shape), [along!], true),
      );
      return build.reshape(build.binary("Add", x!, y!), shape);
    },
  },
];
