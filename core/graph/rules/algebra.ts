import type { Builder, Draft, Rule } from "../builder.ts";
import { type Node, sameShape, sizeOf } from "../node.ts";
import { broadcastShape } from "../shape.ts";
import { splatValue } from "./folding.ts";

const isFloat = ({ dtype }: Pick<Node, "dtype">): boolean => dtype === "float32";

/** A rule for float32 operands `a` and `b`; what it returns is expanded to the draft's shape. */
const binaryRule = (
  name: string,
  op: "Add" | "Sub" | "Mul" | "Div" | "Pow",
  rewrite: (a: Node, b: Node, build: Builder, draft: Draft) => Node | null,
): Rule => ({
  name,
  ops: [op],
  apply(draft, build) {
    const [a, b] = draft.inputs as [Node, Node];
    if (!isFloat(a)) return null;
    const better = rewrite(a, b, build, draft);
    return better === null ? null : build.expand(better, draft.shape);
  },
});

/** Has all digits as float32. Two constants whose product has not may still come out right one after the other. */
const isNormal = (value: number): boolean => Math.abs(value) >= 2 ** -126 && Math.abs(value) < 2 ** 128 - 2 ** 103;

/** The factor of x·c with a constant c. */
function scaled(node: Node): { x: Node; factor: number } | null {
  if (node.op !== "Mul") return null;
  const factor = splatValue(node.inputs[1]!);
  return factor === null || !sameShape(node.inputs[0]!.shape, node.shape) ? null : { x: node.inputs[0]!, factor };
}

/** large·small·small = large·(small·small), and the same of sums: one pass over the large tensor instead of two. */
const smallFirst = (op: "Add" | "Mul"): Rule =>
  binaryRule(
    op === "Add" ? "large + small + small = large + (small + small)" : "large·small·small = large·(small·small)",
    op,
    (a, b, build) => {
      for (const [whole, small] of [
        [a, b],
        [b, a],
      ] as const) {
        if (whole.op !== op || sizeOf(small.shape) >= sizeOf(whole.shape)) continue;
        for (const [large, other] of [whole.inputs, whole.inputs.toReversed()] as [Node, Node][]) {
          if (sizeOf(large.shape) < sizeOf(whole.shape) || sizeOf(other.shape) >= sizeOf(whole.shape)) continue;
          if (splatValue(other) !== null && splatValue(small) !== null) continue;
          if (sizeOf(broadcastShape(other.shape, small.shape)) < sizeOf(whole.shape)) {
            return build.binary(op, large, build.binary(op, other, small));
          }
        }
      }
      return null;
    },
  );

/**
 * Identities of real arithmetic. Results may differ from the plain order in the last bit (x/c becomes x·(1/c)), and a
 * product with a constant zero is zero, also of a NaN: the loss itself still carries it.
 */
export const algebra: readonly Rule[] = [
  binaryRule("x·1 = x", "Mul", (a, b) => (splatValue(b) === 1 ? a : splatValue(a) === 1 ? b : null)),
  binaryRule("x·0 = 0", "Mul", (a, b, build) =>
    splatValue(a) === 0 || splatValue(b) === 0 ? build.splat(0, []) : null,
  ),
  binaryRule("x·(−1) = −x", "Mul", (a, b, build) =>
    splatValue(b) === -1 ? build.unary("Neg", a) : splatValue(a) === -1 ? build.unary("Neg", b) : null,
  ),
  binaryRule("constants to the right", "Mul", (a, b, build) =>
    splatValue(a) !== null && splatValue(b) === null ? build.binary("Mul", b, a) : null,
  ),
  binaryRule("(x·c)·d = x·(c·d)", "Mul", (a, b, build) => {
    const d = splatValue(b);
    const inner = scaled(a);
    if (d === null || inner === null || !isNormal(inner.factor * d)) return null;
    return build.binary("Mul", inner.x, build.splat(inner.factor * d, []));
  }),
  binaryRule("(−x)·c = x·(−c)", "Mul", (a, b, build) => {
    const c = splatValue(b);
    return c === null || a.op !== "Neg" ? null : build.binary("Mul", a.inputs[0]!, build.splat(-c, []));
  }),
  binaryRule("(c/x)·d = (c·d)/x", "Mul", (a, b, build) => {
    const d = splatValue(b);
    const c = a.op === "Div" ? splatValue(a.inputs[0]!) : null;
    if (c === null || d === null || !isNormal(c * d)) return null;
    return build.binary("Div", build.splat(c * d, []), a.inputs[1]!);
  }),
  binaryRule("(−x)·(−y) = x·y", "Mul", (a, b, build) =>
    a.op === "Neg" && b.op === "Neg" ? build.binary("Mul", a.inputs[0]!, b.inputs[0]!) : null,
  ),
  binaryRule("(−x)·y = −(x·y)", "Mul", (a, b, build) => {
    if (a.op === "Neg") return build.unary("Neg", build.binary("Mul", a.inputs[0]!, b));
    return b.op === "Neg" ? build.unary("Neg", build.binary("Mul", a, b.inputs[0]!)) : null;
  }),
  smallFirst("Mul"),

  binaryRule("x + 0 = x", "Add", (a, b) => (splatValue(b) === 0 ? a : splatValue(a) === 0 ? b : null)),
  binaryRule("constants to the right", "Add", (a, b, build) =>
    splatValue(a) !== null && splatValue(b) === null ? build.binary("Add", b, a) : null,
  ),
  binaryRule("x + (−y) = x − y", "Add", (a, b, build) => {
    if (b.op === "Neg") return build.binary("Sub", a, b.inputs[0]!);
    return a.op === "Neg" ? build.binary("Sub", b, a.inputs[0]!) : null;
  }),
  smallFirst("Add"),
  binaryRule("neighbouring pads = concat", "Add", (a, b, build) => joinedPads(a, b, build)),

  binaryRule("x − 0 = x", "Sub", (a, b) => (splatValue(b) === 0 ? a : null)),
  binaryRule("0 − x = −x", "Sub", (a, b, build) => (splatValue(a) === 0 ? build.unary("Neg", b) : null)),
  binaryRule("x − (−y) = x + y", "Sub", (a, b, build) =>
    b.op === "Neg" ? build.binary("Add", a, b.inputs[0]!) : null,
  ),

  binaryRule("x/1 = x", "Div", (a, b) => (splatValue(b) === 1 ? a : null)),
  binaryRule("x/c = x·(1/c)", "Div", (a, b, build) => {
    const c = splatValue(b);
    return c === null || !isNormal(1 / c) ? null : build.binary("Mul", a, build.splat(1 / c, []));
  }),
  binaryRule("large/small = large·(1/small)", "Div", (a, b, build, { shape }) =>
    splatValue(a) === null && splatValue(b) === null && sizeOf(b.shape) < sizeOf(shape)
      ? build.binary("Mul", a, build.unary("Reciprocal", b))
      : null,
  ),

  binaryRule("small powers", "Pow", (a, b, build) => {
    switch (splatValue(b)) {
      case 0:
        return build.splat(1, []);
      case 1:
        return a;
      case 2:
        return build.binary("Mul", a, a);
      case 3:
        return build.binary("Mul", build.binary("Mul", a, a), a);
      case 0.5:
        return build.unary("Sqrt", a);
      case 1.5:
        return build.binary("Mul", a, build.unary("Sqrt", a));
      case -0.5:
        return build.unary("Reciprocal", build.unary("Sqrt", a));
      case -1:
        return build.unary("Reciprocal", a);
      default:
        return null;
    }
  }),

  {
    name: "negations",
    ops: ["Neg"],
    apply({ inputs: [x] }, build) {
      if (!isFloat(x!)) return null;
      if (x!.op === "Neg") return x!.inputs[0]!;
      if (x!.op === "Sub") return build.expand(build.binary("Sub", x!.inputs[1]!, x!.inputs[0]!), x!.shape);
      const inner = scaled(x!);
      return inner === null ? null : build.binary("Mul", inner.x, build.splat(-inner.factor, []));
    },
  },
  {
    name: "commuting operands in one order",
    ops: ["Add", "Mul", "Max", "Min", "Equal", "And", "Or"],
    apply: ({ op, inputs: [a, b] }, build) =>
      a!.id > b!.id && splatValue(b!) === null ? build.binary(op as "Add", b!, a!) : null,
  },
];

/** Two zero pads that fill one another's gap, the backward pass of two slices, are a concatenation. */
function joinedPads(a: Node, b: Node, build: Builder): Node | null {
  if (a.op !== "Pad" || b.op !== "Pad" || !sameShape(a.shape, b.shape)) return null;
  if (a.attrs["value"] !== 0 || b.attrs["value"] !== 0) return null;
  const axis = a.shape.findIndex((d, i) => a.inputs[0]!.shape[i] !== d);
  const onlyThere = [a, b].every((pad) => pad.shape.every((d, i) => i === axis || pad.inputs[0]!.shape[i] === d));
  if (axis < 0 || !onlyThere) return null;
  const at = (pad: Node, side: "before" | "after"): number => (pad.attrs[side] as number[])[axis]!;
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    const [x, y] = [first.inputs[0]!, second.inputs[0]!];
    if (at(first, "before") === 0 && at(second, "after") === 0 && at(second, "before") === x.shape[axis]) {
      return build.concat([x, y], axis);
    }
  }
  return null;
}
