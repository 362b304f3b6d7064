import { type Node, sizeOf, unaryOps } from "../node.ts";
import * as elements from "./elementwise.ts";
import { onnxErrors } from "./errors.ts";
import type { Step } from "./fusions.ts";
import * as shaping from "./shaping.ts";
import {
  filled,
  finish,
  first,
  flagOf,
  int64s,
  lengths,
  listOf,
  numberOf,
  operandsOf,
  type Site,
  same,
  scalar,
  type Write,
} from "./site.ts";
import { elementTypeCode } from "./tensors.ts";

/** ONNX gives int64. The first of equals wins, as in tfjs. */
const argExtremum: Write = (site) => {
  const found = site.emit(site.step.op, [first(site)], { axis: numberOf(site, "axis"), keepdims: 0 });
  finish(site, "Cast", [found], { to: elementTypeCode.int32 });
};

const transposes = (site: Site): { transA: boolean; transB: boolean } => ({
  transA: flagOf(site, "transposeA"),
  transB: flagOf(site, "transposeB"),
});

const gemm: Write = (site) => finish(site, "Gemm", site.step.inputs.map(site.value), transposes(site));

const matMul: Write = (site) => {
  const [a, b] = operandsOf(site);
  const { transA, transB } = transposes(site);
  if (!site.standardOnly && a.dtype === "float32" && (transA || transB)) {
    finish(site, "FusedMatMul", [site.value(a), site.value(b)], { transA, transB });
    return;
  }
  const turned = (x: Node, transposed: boolean): string => {
    const rank = x.shape.length;
    const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
    return transposed ? site.emit("Transpose", [site.value(x)], { perm }) : site.value(x);
  };
  finish(site, "MatMul", [turned(a, transA), turned(b, transB)]);
};

/** ONNX asks for a gain; ONNX Runtime 1.15 to 1.18, which robots have, end the process where there is no bias. */
const layerNormalization: Write = (site) => {
  const [x, ...affine] = site.step.inputs as [Node, ...Node[]];
  const axis = numberOf(site, "axis");
  const shape = x.shape.slice(axis);
  const [gain, bias] = affine.map(site.value);
  const values = [site.value(x), gain ?? filled(site, shape, 1), bias ?? filled(site, shape, 0)];
  finish(site, "LayerNormalization", values, {
    axis,
    epsilon: { float: numberOf(site, "epsilon") },
  });
};

const hardSigmoid: Write = (site) =>
  finish(site, "HardSigmoid", [first(site)], {
    alpha: { float: numberOf(site, "alpha") },
    beta: { float: numberOf(site, "beta") },
  });

/** The summed axes as the rows of a matrix, and a row of ones times it. */
const sumOverRows: Write = (site) => {
  const [x] = operandsOf(site);
  const summed = listOf(site, "axes").length;
  const [rows, columns] = [sizeOf(x.shape.slice(0, summed)), sizeOf(x.shape.slice(summed))];
  const isMatrix = x.shape.length === 2;
  const matrix = isMatrix ? site.value(x) : site.emit("Reshape", [site.value(x), int64s(site, [rows, columns])]);
  const product = [filled(site, [rows], 1), matrix];
  if (site.node.shape.length === 1) finish(site, "MatMul", product);
  else finish(site, "Reshape", [site.emit("MatMul", product), int64s(site, site.node.shape)]);
};

const segmentSum: Write = (site) => {
  const [x, ids] = operandsOf(site);
  const zeros = site.emit("Expand", [scalar(site, site.node, 0), lengths(site, site.node.shape)]);
  const wide = site.emit("Cast", [site.value(ids)], { to: elementTypeCode.int64 });
  const rows = site.emit("Unsqueeze", [wide, int64s(site, [ids.shape.length])]);
  finish(site, "ScatterND", [zeros, rows, site.value(x)], { reduction: "add" });
};

const cumSum: Write = (site) => {
  const axis = site.writer.constant("int64", [], [numberOf(site, "axis")]);
  const attrs = { exclusive: flagOf(site, "exclusive"), reverse: flagOf(site, "reverse") };
  finish(site, "CumSum", [first(site), axis], attrs);
};

const each = (ops: readonly Step["op"][], write: Write): Partial<Record<Step["op"], Write>> =>
  Object.fromEntries(ops.map((op) => [op, write]));

/** How each operation is written, but inputs, constants and loops. */
const writers: Readonly<Partial<Record<Step["op"], Write>>> = {
  ...each([...unaryOps, "Add", "Sub", "Mul", "Div", "Pow", "Equal", "And", "Or", "Xor"], elements.elementwise),
  ...each(["Max", "Min", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"], elements.elementwiseOfNumbers),
  Mod: elements.modulo,
  Where: elements.where,
  Cast: elements.cast,
  OneHot: elements.oneHot,
  ...each(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare"], elements.reduction),
  SumOverRows: sumOverRows,
  HardSigmoid: hardSigmoid,
  ...each(["ArgMax", "ArgMin"], argExtremum),
  MatMul: matMul,
  Gemm: gemm,
  LayerNormalization: layerNormalization,
  ...each(["Softmax", "Concat", "Gather"], same("axis")),
  Transpose: same("perm"),
  Expand: shaping.expand,
  Reshape: shaping.reshape,
  Slice: shaping.slice,
  Reverse: shaping.reverse,
  Pad: shaping.pad,
  Tile: shaping.tile,
  SegmentSum: segmentSum,
  CumSum: cumSum,
};

/** Writes one node. Throws MF_ONNX_UNSUPPORTED for an operation it does not know. */
export function writeOperation(site: Site): void {
  const write = writers[site.step.op];
  if (write === undefined) {
    const { id, origin } = site.node;
    const reason = `there is no ONNX form of ${site.step.op}`;
    throw onnxErrors.MF_ONNX_UNSUPPORTED({ node: `%${id}`, origin, reason });
  }
  write(site);
}
