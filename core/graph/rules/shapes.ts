import type { Rule } from "../builder.ts";
import { type Node, sameShape } from "../node.ts";

const begins = (node: Pick<Node, "attrs">): readonly number[] => node.attrs["begin"] as readonly number[];
const isPlain = (node: Pick<Node, "attrs">): boolean => (node.attrs["strides"] as number[]).every((s) => s === 1);

/** Rearrangements of rearrangements. */
export const shapes: readonly Rule[] = [
  {
    name: "reshape of a reshape",
    ops: ["Reshape"],
    apply: ({ inputs: [x], shape }, build) => (x!.op === "Reshape" ? build.reshape(x!.inputs[0]!, shape) : null),
  },
  {
    name: "transpose of a transpose",
    ops: ["Transpose"],
    apply({ inputs: [x], attrs }, build) {
      if (x!.op !== "Transpose") return null;
      const inner = x!.attrs["perm"] as readonly number[];
      return build.transpose(
        x!.inputs[0]!,
        (attrs["perm"] as readonly number[]).map((axis) => inner[axis]!),
      );
    },
  },
  {
    name: "a transpose that moves only axes of length 1",
    ops: ["Transpose"],
    apply({ inputs: [x], attrs, shape }, build) {
      const moved = (attrs["perm"] as readonly number[]).filter((axis) => x!.shape[axis] !== 1);
      return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!) ? build.reshape(x!, shape) : null;
    },
  },
  {
    name: "transposed operands of a product",
    ops: ["MatMul"],
    apply({ inputs: [a, b], attrs }, build) {
      const turned = (x: Node): boolean => x.op === "Transpose" && x.shape.length === 2;
      if (!turned(a!) && !turned(b!)) return null;
      const [transposeA, transposeB] = [attrs["transposeA"] as boolean, attrs["transposeB"] as boolean];
      return build.matmul(
        turned(a!) ? a!.inputs[0]! : a!,
        turned(b!) ? b!.inputs[0]! : b!,
        transposeA !== turned(a!),
        transposeB !== turned(b!),
      );
    },
  },
  {
    name: "slice of a slice",
    ops: ["Slice"],
    apply(draft, build) {
      const x = draft.inputs[0]!;
      if (x.op !== "Slice" || !isPlain(x) || !isPlain(draft)) return null;
      const begin = begins(draft).map((b, i) => b + begins(x)[i]!);
      return build.slice(x.inputs[0]!, begin, draft.shape);
    },
  },
  {
    name: "slice within one part of a concat",
    ops: ["Slice"],
    apply(draft, build) {
      const x = draft.inputs[0]!;
      if (x.op !== "Concat" || !isPlain(draft)) return null;
      const axis = x.attrs["axis"] as number;
      const from = begins(draft)[axis]!;
      let start = 0;
      for (const part of x.inputs) {
        const end = start + part.shape[axis]!;
        if (from >= start && from + draft.shape[axis]! <= end) {
          return build.slice(part, begins(draft).with(axis, from - start), draft.shape);
        }
        start = end;
      }
      return null;
    },
  },
  {
    name: "slice of a pad",
    ops: ["Slice"],
    apply(draft, build) {
      const x = draft.inputs[0]!;
      if (x.op !== "Pad" || !isPlain(draft)) return null;
      const inner = x.inputs[0]!;
      const begin = begins(draft).map((b, i) => b - (x.attrs["before"] as number[])[i]!);
      if (begin.every((b, i) => b >= 0 && b + draft.shape[i]! <= inner.shape[i]!)) {
        return build.slice(inner, begin, draft.shape);
      }
      const outside = begin.some((b, i) => b >= inner.shape[i]! || b + draft.shape[i]! <= 0);
      return outside ? build.splat(x.attrs["value"] as number, draft.shape, draft.dtype) : null;
    },
  },
  {
    name: "concat of neighbouring slices",
    ops: ["Concat"],
    apply({ inputs, attrs, shape }, build) {
      const axis = attrs["axis"] as number;
      const first = inputs[0]!;
      const whole = first.op === "Slice" ? first.inputs[0] : undefined;
      if (whole === undefined) return null;
      let position = begins(first)[axis]!;
      for (const part of inputs) {
        if (part.op !== "Slice" || part.inputs[0] !== whole || !isPlain(part)) return null;
        if (begins(part)[axis] !== position || !begins(part).every((b, i) => i === axis || b === begins(first)[i]))
          return null;
        position += part.shape[axis]!;
      }
      return build.slice(whole, begins(first), shape);
    },
  },
  {
    name: "expand of an expand",
    ops: ["Expand"],
    apply: ({ inputs: [x], shape }, build) => (x!.op === "Expand" ? build.expand(x!.inputs[0]!, shape) : null),
  },
  {
    name: "expand that only adds axes of length 1",
    ops: ["Expand"],
    apply: ({ inputs: [x], shape }, build) =>
      sameShape(
        x!.shape.filter((d) => d !== 1),
        shape.filter((d) => d !== 1),
      )
        ? build.reshape(x!, shape)
        : null,
  },
];
