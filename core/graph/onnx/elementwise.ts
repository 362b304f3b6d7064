import { type Node, type Shape, sameShape } from "../node.ts";
import { broadcastShape } from "../shape.ts";
import { expandTo } from "./shaping.ts";
import { finish, first, flagOf, int64s, listOf, numberOf, operandsOf, type Site, scalar, type Write } from "./site.ts";
import { elementTypeCode } from "./tensors.ts";

/** Writes one operation on named operands; `result` is the name to give, if any. */
type Compute = (site: Site, operands: readonly string[], result?: string) => string;

const plain: Compute = (site, operands, result) => site.emit(site.step.op, operands, {}, result);

/** Operands that broadcast: a Splat is a scalar, and what they do not fill is repeated afterwards. */
const broadcasting =
  (compute: Compute): Write =>
  (site) => {
    const { inputs } = site.step;
    const wholes = inputs.filter((x) => x.op !== "Splat");
    const filled = wholes.reduce<Shape>((shape, x) => broadcastShape(shape, x.shape), []);
    const operands = inputs.map((x) => (x.op === "Splat" ? scalar(site, x, splatValue(x)) : site.spread(x, filled)));
    if (sameShape(filled, site.node.shape)) compute(site, operands, site.result);
    else expandTo(site, compute(site, operands), filled);
  };
const splatValue = (node: Node): number => node.attrs["value"] as number;

/** Through int32, for an operator that does not know truth values. */
const asNumbers =
  (compute: Compute): Compute =>
  (site, operands, result) => {
    if (operandsOf(site)[0].dtype !== "bool") return compute(site, operands, result);
    const numbers = operands.map((x) => site.emit("Cast", [x], { to: elementTypeCode.int32 }));
    const isComparison = /^(Greater|Less)/.test(site.step.op);
    if (isComparison) return compute(site, numbers, result);
    return site.emit("Cast", [compute(site, numbers)], { to: elementTypeCode.bool }, result);
  };

/** The remainder with the divisor's sign, as in tfjs; ONNX gives that for whole numbers only. */
const remainder: Compute = (site, [a, b], result) => {
  const [x] = operandsOf(site);
  if (x.dtype === "int32") return site.emit("Mod", [a!, b!], {}, result);
  const truncated = site.emit("Mod", [a!, b!], { fmod: 1 });
  const zero = scalar(site, x, 0);
  const signsDiffer = site.emit("Xor", [site.emit("Less", [a!, zero]), site.emit("Less", [b!, zero])]);
  const moved = site.emit("Mod", [site.emit("Add", [truncated, b!]), b!], { fmod: 1 });
  return site.emit("Where", [signsDiffer, moved, truncated], {}, result);
};

/** ONNX Runtime's Where knows no truth values. */
const choice: Compute = (site, [condition, then, otherwise], result) => {
  if (site.node.dtype !== "bool") return site.emit("Where", [condition!, then!, otherwise!], {}, result);
  const chosen = site.emit("And", [condition!, then!]);
  const left = site.emit("And", [site.emit("Not", [condition!]), otherwise!]);
  return site.emit("Or", [chosen, left], {}, result);
};

export const elementwise: Write = broadcasting(plain);
export const elementwiseOfNumbers: Write = broadcasting(asNumbers(plain));
export const modulo: Write = broadcasting(remainder);
export const where: Write = broadcasting(choice);

/** Axes are an input since opset 18. */
export const reduction: Write = (site) => {
  const axes = int64s(site, listOf(site, "axes"));
  const keepdims = flagOf(site, "keepDims");
  const reduce: Compute = (at, [x], result) => at.emit(at.step.op, [x!, axes], { keepdims }, result);
  asNumbers(reduce)(site, [first(site)], site.result);
};

/** Compared with 0 … depth − 1, so that an index outside is nowhere; ONNX' own OneHot counts negative ones from the end. */
export const oneHot: Write = (site) => {
  const [indices] = operandsOf(site);
  const depth = numberOf(site, "depth");
  const column = site.emit("Unsqueeze", [site.value(indices), int64s(site, [indices.shape.length])]);
  const places = site.writer.constant(indices.dtype, [depth], [...Array(depth).keys()]);
  const [on, off] = [scalar(site, site.node, numberOf(site, "on")), scalar(site, site.node, numberOf(site, "off"))];
  choice(site, [site.emit("Equal", [column, places]), on, off], site.result);
};

export const cast: Write = (site) => finish(site, "Cast", [first(site)], { to: elementTypeCode[site.node.dtype] });
