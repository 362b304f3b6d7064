import { type Attribute, type Node, type Op, type Shape, sameShape, sizeOf } from "../node.ts";

/** Operations that ONNX has and the graph does not. */
export type FusedOp = "Gemm" | "HardSigmoid" | "LayerNormalization" | "ReduceSumSquare" | "SumOverRows";

/** How a node's value is computed: as the node says, or by one operation that stands for several. */
export interface Step {
  readonly op: Op | FusedOp;
  readonly inputs: readonly Node[];
  readonly attrs: Readonly<Record<string, Attribute>>;
}

/** What a fusion may ask about the graph around a node. */
export interface Surroundings {
  /** The step chosen for a node that comes earlier. */
  step(node: Node): Step;
  /** How many operands and results the node is. */
  uses(node: Node): number;
  /** Whether both are computed in the same loop, or outside of all. */
  together(a: Node, b: Node): boolean;
}

/** Gives another step for a node, or null. */
export type Fusion = (node: Node, around: Surroundings) => Step | null;

/** The step of every node of `order`, by the first fusion that has one for it. */
export function chooseSteps(
  order: readonly Node[],
  results: readonly Node[],
  loopOf: (node: Node) => Node | null,
  fusions: readonly Fusion[],
): (node: Node) => Step {
  const uses = new Map<Node, number>();
  for (const node of [...order.flatMap((n) => [...n.inputs, ...(n.body?.results ?? [])]), ...results]) {
    uses.set(node, (uses.get(node) ?? 0) + 1);
  }
  const chosen = new Map<Node, Step>();
  const around: Surroundings = {
    step: (node) => chosen.get(node) ?? node,
    uses: (node) => uses.get(node) ?? 0,
    together: (a, b) => loopOf(a) === loopOf(b),
  };
  for (const node of order) {
    for (const fusion of fusions) {
      const step = fusion(node, around);
      if (step === null) continue;
      chosen.set(node, step);
      break;
    }
  }
  return around.step;
}

const bothOrders = ({ inputs: [a, b] }: Node): [Node, Node][] => [
  [a!, b!],
  [b!, a!],
];

/** A product of matrices is a Gemm, which reads either operand transposed. */
export const gemm: Fusion = ({ op, inputs, attrs, dtype }) =>
  op === "MatMul" && dtype === "float32" && inputs.every(({ shape }) => shape.length === 2)
    ? { op: "Gemm", inputs, attrs }
    : null;

/** A bias as the Gemm's C. A whole matrix is not: ONNX Runtime copies C first, which costs more than adding it. */
export const gemmBias: Fusion = (node, around) => {
  if (node.op !== "Add") return null;
  for (const [product, bias] of bothOrders(node)) {
    const { op, inputs, attrs } = around.step(product);
    if (op !== "Gemm" || inputs.length !== 2 || !sameShape(product.shape, node.shape)) continue;
    const isRow = bias.op !== "Splat" && sizeOf(bias.shape) === node.shape[1];
    if (isRow && bias.shape.at(-1) === node.shape[1] && around.uses(product) === 1 && around.together(product, node)) {
      return { op: "Gemm", inputs: [...inputs, bias], attrs };
    }
  }
  return null;
};

const squared = (node: Node | undefined): Node | null =>
  node?.op === "Mul" && node.inputs[0] === node.inputs[1] ? node.inputs[0]! : null;
const axesOf = ({ attrs }: Node): Shape => attrs["axes"] as Shape;

/** Σx² over everything, as in a norm. Over some axes ONNX Runtime is faster with the two. */
export const sumOfSquares: Fusion = (node) => {
  if (node.op !== "ReduceSum" || node.dtype !== "float32") return null;
  const x = squared(node.inputs[0]);
  return x !== null && axesOf(node).length === x.shape.length
    ? { op: "ReduceSumSquare", inputs: [x], attrs: node.attrs }
    : null;
};

/** A sum over leading axes, a bias's gradient, is a row of ones times a matrix: many times faster than its ReduceSum. */
export const sumOverRows: Fusion = (node) => {
  const [x] = node.inputs;
  if (node.op !== "ReduceSum" || node.dtype !== "float32" || sizeOf(x!.shape) === 0) return null;
  const axes = axesOf(node);
  const leading = axes.length < x!.shape.length && axes.every((axis, i) => axis === i);
  return leading && sizeOf(x!.shape.slice(axes.length)) > 1
    ? { op: "SumOverRows", inputs: [x!], attrs: { axes } }
    : null;
};

/**
 * (x − mean) / √(variance + ε) over the last axes, when nothing else reads what lies between, as a backward pass would.
 * Ba et al. 2016.
 */
export const layerNorm: Fusion = (node, around) => {
  if (node.dtype !== "float32") return null;
  for (const [centred, inverse] of deviations(node)) {
    const [x, mean] = centred.inputs as [Node, Node];
    for (const [variance, epsilon] of inverse.op === "Add" ? bothOrders(inverse) : []) {
      const axes = variance.op === "ReduceMean" ? axesOf(variance) : [];
      const first = x.shape.length - axes.length;
      const matches =
        epsilon.op === "Splat" &&
        squared(variance.inputs[0]) === centred &&
        mean.op === "ReduceMean" &&
        mean.inputs[0] === x &&
        sameShape(axesOf(mean), axes) &&
        axes.every((axis, i) => axis === first + i) &&
        variance.attrs["keepDims"] === true &&
        mean.attrs["keepDims"] === true;
      // The square reads it twice, the result once.
      if (!matches || around.uses(centred) !== 3) continue;
      if (![mean, variance, variance.inputs[0]!, inverse].every((between) => around.uses(between) === 1)) continue;
      return { op: "LayerNormalization", inputs: [x], attrs: { axis: first, epsilon: epsilon.attrs["value"]! } };
    }
  }
  return null;
};

/** (x − m) and v of (x − m)/√v or (x − m)·(1/√v). */
function deviations(node: Node): [Node, Node][] {
  if (node.op !== "Mul" && node.op !== "Div") return [];
  return (node.op === "Div" ? bothOrders(node).slice(0, 1) : bothOrders(node)).flatMap(([centred, factor]) => {
    const root = node.op === "Div" ? factor : factor.op === "Reciprocal" ? factor.inputs[0]! : null;
    return centred.op === "Sub" && root?.op === "Sqrt" ? [[centred, root.inputs[0]!] as [Node, Node]] : [];
  });
}

/** A gain and then a bias after a LayerNormalization, each as long as what was normalised. */
export const layerNormAffine: Fusion = (node, around) => {
  if (node.op !== "Mul" && node.op !== "Add") return null;
  for (const [normal, factor] of bothOrders(node)) {
    const { op, inputs, attrs } = around.step(normal);
    const expected = node.op === "Mul" ? 1 : 2;
    if (op !== "LayerNormalization" || inputs.length !== expected || around.uses(normal) !== 1) continue;
    if (factor.op === "Splat" || !sameShape(factor.shape, node.shape.slice(attrs["axis"] as number))) continue;
    if (around.together(normal, node)) return { op: "LayerNormalization", inputs: [...inputs, factor], attrs };
  }
  return null;
};

/** The inverse of float32's smallest normal number. */
const STEEPEST = 2 ** 126;

/**
 * 1 where x > 0, else 0, and NaN where x is NaN: the derivative of a Relu. HardSigmoid is min(1, max(0, αx + β)), one
 * pass instead of four slow ones; exact but for x below 2⁻¹²⁶, which are no normal numbers.
 */
export const unitStep: Fusion = ({ op, inputs: [missing, x, step], dtype }) => {
  if (op !== "Where" || dtype !== "float32" || missing!.op !== "IsNaN" || missing!.inputs[0] !== x) return null;
  const [positive, then, otherwise] = step!.op === "Where" ? step!.inputs : [];
  if (positive?.op !== "Greater" || positive.inputs[0] !== x || splatOf(positive.inputs[1]) !== 0) return null;
  if (splatOf(then) !== 1 || splatOf(otherwise) !== 0) return null;
  return { op: "HardSigmoid", inputs: [x!], attrs: { alpha: STEEPEST, beta: 0 } };
};
const splatOf = (node: Node | undefined): number | null =>
  node?.op === "Splat" ? (node.attrs["value"] as number) : null;

const everywhere: readonly Fusion[] = [gemm, sumOfSquares, layerNorm, layerNormAffine];
/** For a file that people and other runtimes read. */
export const standardFusions: readonly Fusion[] = [...everywhere, gemmBias];
/** What pays in ONNX Runtime on a CPU when every shape is fixed. A bias in C does not: it is copied, one thread only. */
export const runtimeFusions: readonly Fusion[] = [...everywhere, sumOverRows];
/** Also what a GPU need not compute the same: numbers beyond float32's range, and NaN. */
export const cpuFusions: readonly Fusion[] = [...runtimeFusions, unitStep];
/** The same when the number of rows is open. */
export const openCpuFusions: readonly Fusion[] = [...everywhere, unitStep];
