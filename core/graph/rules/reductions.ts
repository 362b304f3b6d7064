import type { Rule } from "../builder.ts";
import { sizeOf } from "../node.ts";
import { splatValue } from "./folding.ts";

const axesOf = (attrs: Readonly<Record<string, unknown>>) => attrs["axes"] as readonly number[];
const keeps = (attrs: Readonly<Record<string, unknown>>) => attrs["keepDims"] as boolean;

export const reductions: readonly Rule[] = [
  {
    name: "reduction over axes of length 1",
    ops: ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"],
    apply: ({ inputs: [x], attrs, shape }, build) =>
      axesOf(attrs).every((axis) => x!.shape[axis] === 1) ? build.reshape(x!, shape) : null,
  },
  {
    name: "reduction of what is repeated",
    ops: ["ReduceSum", "ReduceMean"],
    apply({ op, inputs: [x], attrs, shape }, build) {
      if (x!.op !== "Expand" || x!.dtype !== "float32") return null;
      const axes = axesOf(attrs);
      const from = x!.inputs[0]!;
      const aligned = [...new Array(x!.shape.length - from.shape.length).fill(1), ...from.shape] as number[];
      const repeated = axes.filter((axis) => aligned[axis] === 1 && x!.shape[axis] !== 1);
      if (repeated.length === 0) return null;
      const times = op === "ReduceSum" ? sizeOf(repeated.map((axis) => x!.shape[axis]!)) : 1;
      const small = build.expand(
        build.reshape(from, aligned),
        x!.shape.map((d, i) => (axes.includes(i) ? aligned[i]! : d)),
      );
      const reduced = build.reduce(op as "ReduceSum", small, axes, keeps(attrs));
      return build.reshape(build.binary("Mul", reduced, build.splat(times, [])), shape);
    },
  },
  {
    name: "Σ(−x) = −Σx",
    ops: ["ReduceSum", "ReduceMean"],
    apply: ({ op, inputs: [x], attrs }, build) =>
      x!.op === "Neg"
        ? build.unary("Neg", build.reduce(op as "ReduceSum", x!.inputs[0]!, axesOf(attrs), keeps(attrs)))
        : null,
  },
  {
    name: "Σ(x·s) = s·Σx",
    ops: ["ReduceSum", "ReduceMean"],
    apply({ op, inputs: [x], attrs, shape }, build) {
      if (x!.op !== "Mul" || x!.dtype !== "float32") return null;
      for (const [scalar, other] of [x!.inputs, x!.inputs.toReversed()]) {
        if (sizeOf(scalar!.shape) !== 1 || sizeOf(other!.shape) !== sizeOf(x!.shape)) continue;
        const reduced = build.reduce(op as "ReduceSum", build.reshape(other!, x!.shape), axesOf(attrs), keeps(attrs));
        return build.reshape(build.binary("Mul", reduced, build.reshape(scalar!, [])), shape);
      }
      return null;
    },
  },
  {
    name: "Σ(x·s)² = s²·Σx²",
    ops: ["ReduceSum"],
    apply({ inputs: [square], attrs, shape }, build) {
      const x = square!.inputs[0];
      if (square!.op !== "Mul" || x !== square!.inputs[1] || x?.op !== "Mul" || x.dtype !== "float32") return null;
      for (const [scalar, other] of [x.inputs, x.inputs.toReversed()]) {
        if (sizeOf(scalar!.shape) !== 1 || splatValue(scalar!) !== null) continue;
        if (sizeOf(other!.shape) !== sizeOf(x.shape)) continue;
        const large = build.reshape(other!, x.shape);
        const reduced = build.reduce("ReduceSum", build.binary("Mul", large, large), axesOf(attrs), keeps(attrs));
        const s = build.reshape(scalar!, []);
        return build.reshape(build.binary("Mul", reduced, build.binary("Mul", s, s)), shape);
      }
      return null;
    },
  },
];
