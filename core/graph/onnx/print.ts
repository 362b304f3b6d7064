import { type Attribute, type Node, needed, sizeOf } from "../node.ts";
import { inputName, type NamedGraph } from "./emit.ts";
import { loopsOf } from "./scopes.ts";

const shortType = { float32: "f32", int32: "i32", bool: "bool" } as const;
/** Constants up to this size are printed whole. */
const SHORT = 4;

/**
 * A graph as text, for a person: counts, the inputs that are read, a line for each node, the results.
 *
 *     %12 f32[512,256] = MatMul(%3, params/stem/kernel) {transposeA: false, transposeB: false}   ; ema, afterUpdate
 *
 * `%<id>` is the value `v<id>` of the ONNX file. A loop's body is indented below it.
 */
export function printGraph({ inputs, outputs }: NamedGraph): string {
  const results = Object.entries(outputs);
  const order = needed(results.map(([, node]) => node));
  const loopOf = loopsOf(order);
  const nodes = order.filter(({ op }) => op !== "Input" && op !== "Splat" && op !== "LoopInput");
  const lines = (loop: Node | null, indent: string): string[] =>
    nodes
      .filter((node) => loopOf(node) === loop)
      .flatMap((node) => {
        const line = `${indent}${nodeLine(node)}`;
        if (node.body === undefined) return [line];
        const { iteration, carried, results: next } = node.body;
        const inner = `${indent}  `;
        return [
          line,
          `${inner}${textOf(iteration)} ${typeOf(iteration)} = iteration`,
          ...carried.map((entry, k) => `${inner}${textOf(entry)} ${typeOf(entry)} = carried ${k}`),
          ...lines(node, inner),
          `${inner}next ${next.map(textOf).join(", ")}`,
        ];
      });

  const read = inputs.filter((input) => order.includes(input));
  return [
    `${nodes.length} nodes: ${counts(nodes)}`,
    `${read.length} of ${inputs.length} inputs are read`,
    ...read.map((input) => `${inputName(input)} ${typeOf(input)}`),
    "",
    ...lines(null, ""),
    "",
    ...results.map(([name, node]) => `${name} ${typeOf(node)} = ${textOf(node)}`),
    "",
  ].join("\n");
}

function nodeLine(node: Node): string {
  const { op, inputs, attrs, values, origin } = node;
  const shown = values === undefined ? inputs.map(textOf).join(", ") : valuesOf(node);
  const listed = Object.entries(attrs).map(([name, value]) => `${name}: ${attributeText(value)}`);
  const type = op === "Loop" ? "" : ` ${typeOf(node)}`;
  const details = listed.length === 0 ? "" : ` {${listed.join(", ")}}`;
  return `${textOf(node)}${type} = ${op}(${shown})${details}${origin === null ? "" : `   ; ${origin}`}`;
}

function textOf(node: Node): string {
  if (node.op === "Input") return inputName(node);
  if (node.op !== "Splat") return `%${node.id}`;
  const value = attributeText(node.attrs["value"]!);
  return node.shape.length === 0 ? value : `${value}[${node.shape}]`;
}

function valuesOf({ values, shape }: Node): string {
  const first = [...values!.subarray(0, SHORT)].map(attributeText);
  return [...first, ...(sizeOf(shape) > SHORT ? ["…"] : [])].join(", ");
}

const typeOf = ({ dtype, shape }: Node): string => `${shortType[dtype]}[${shape}]`;

const attributeText = (value: Attribute): string => {
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  return typeof value === "object" ? `[${value}]` : String(value);
};

/** Operations by how often they occur. */
function counts(nodes: readonly Node[]): string {
  const byOp = new Map<string, number>();
  for (const { op } of nodes) byOp.set(op, (byOp.get(op) ?? 0) + 1);
  const sorted = [...byOp].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([op, count]) => `${op} ${count}`).join(", ");
}
