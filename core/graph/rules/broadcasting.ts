import type { Builder, Rule } from "../builder.ts";
import { binaryOps, comparisonOps, type Node, sameShape, unaryOps } from "../node.ts";
import { splatValue } from "./folding.ts";

/** What is repeated, before it was; a Splat as a scalar. */
function source(node: Node, build: Builder): Node {
  const value = splatValue(node);
  if (value !== null) return node.shape.length === 0 ? node : build.splat(value, [], node.dtype);
  return node.op === "Expand" ? node.inputs[0]! : node;
}

/** Expand moves towards the outputs: its users broadcast by themselves, and compute less before it. */
export const broadcasting: readonly Rule[] = [
  {
    name: "expand after a unary operation",
    ops: [...unaryOps, "Cast"],
    apply({ op, inputs: [x], shape, dtype }, build) {
      if (x!.op !== "Expand") return null;
      const small = x!.inputs[0]!;
      return build.expand(op === "Cast" ? build.cast(small, dtype) : build.unary(op as "Neg", small), shape);
    },
  },
  {
    name: "expand after a binary operation",
    ops: [...binaryOps, ...comparisonOps],
    apply({ op, inputs: [a, b], shape }, build) {
      const [x, y] = [source(a!, build), source(b!, build)];
      return x === a && y === b ? null : build.expand(build.binary(op as "Add", x, y), shape);
    },
  },
  {
    name: "expand after where",
    ops: ["Where"],
    apply({ inputs, shape }, build) {
      const [condition, then, otherwise] = inputs.map((x) => source(x, build)) as [Node, Node, Node];
      return [condition, then, otherwise].every((x, i) => x === inputs[i])
        ? null
        : build.expand(build.where(condition, then, otherwise), shape);
    },
  },
  {
    name: "expand after a reshape that adds or drops axes of length 1",
    ops: ["Reshape"],
    apply({ inputs: [x], shape }, build) {
      if (x!.op !== "Expand") return null;
      const long = (s: readonly number[]): number[] => s.filter((d) => d !== 1);
      if (!sameShape(long(shape), long(x!.shape))) return null;
      const small = x!.inputs[0]!;
      const aligned = [...new Array(x!.shape.length - small.shape.length).fill(1), ...small.shape] as number[];
      const kept = aligned.filter((_, i) => x!.shape[i] !== 1);
      let next = 0;
      const reshaped = build.reshape(
        small,
        shape.map((d) => (d === 1 ? 1 : kept[next++]!)),
      );
      return build.expand(reshaped, shape);
    },
  },
  {
    name: "expand after a slice",
    ops: ["Slice"],
    apply({ inputs: [x], attrs, shape }, build) {
      if (x!.op !== "Expand" || !(attrs["strides"] as number[]).every((s) => s === 1)) return null;
      const small = x!.inputs[0]!;
      const missing = x!.shape.length - small.shape.length;
      const begin = small.shape.map((d, i) => (d === 1 ? 0 : (attrs["begin"] as number[])[i + missing]!));
      const size = small.shape.map((d, i) => (d === 1 ? 1 : shape[i + missing]!));
      return build.expand(build.slice(small, begin, size), shape);
    },
  },
];
