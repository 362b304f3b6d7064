import type { Node, Shape } from "../node.ts";
import type { Batch } from "./batch.ts";
import type { Step } from "./fusions.ts";
import type { OnnxAttribute, Writer } from "./writer.ts";

/** The place where one node of the graph is written. */
export interface Site {
  readonly node: Node;
  readonly step: Step;
  readonly writer: Writer;
  readonly batch: Batch;
  /** Only operators of the ONNX standard. */
  readonly standardOnly: boolean;
  /** The name under which the node's value must appear. */
  readonly result: string;
  /** The name of an operand's value; a Splat is made whole. */
  value(operand: Node): string;
  /** The same for an operand that broadcasts to `shape`; repeated before a loop where the loop would do it slowly. */
  spread(operand: Node, shape: Shape): string;
  /** Writes an ONNX node and returns its value's name, a new one if none is given. */
  emit(op: string, operands: readonly string[], attrs?: OnnxAttributes, result?: string): string;
}

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** Writes the node of a site. */
export type Write = (site: Site) => void;

/** The last ONNX node of a site, whose value is the result. */
export const finish = (site: Site, op: string, operands: readonly string[], attrs: OnnxAttributes = {}): void => {
  site.emit(op, operands, attrs, site.result);
};

/** The operator of the same name, with the attributes that ONNX calls the same. */
export const same =
  (...attrs: readonly string[]): Write =>
  (site) => {
    const { op, inputs } = site.step;
    finish(site, op, inputs.map(site.value), Object.fromEntries(attrs.map((name) => [name, site.step.attrs[name]!])));
  };

export const operandsOf = ({ step }: Site): [Node, Node] => step.inputs as [Node, Node];
/** The name of the first operand's value. */
export const first = (site: Site): string => site.value(site.step.inputs[0]!);

export const numberOf = ({ step }: Site, attr: string): number => step.attrs[attr] as number;
export const flagOf = ({ step }: Site, attr: string): boolean => step.attrs[attr] as boolean;
export const listOf = ({ step }: Site, attr: string): readonly number[] => step.attrs[attr] as readonly number[];

/** The name of an int64 list of these values. */
export const int64s = ({ writer }: Site, values: readonly number[]): string =>
  writer.constant("int64", [values.length], values);
/** The name of an int64 list of lengths, of which some may be known at run time only. */
export const lengths = ({ batch }: Site, shape: Shape): string => batch.list(shape.map(batch.length));
/** The name of one value of a node's type. */
export const scalar = ({ writer }: Site, { dtype }: Node, value: number): string => writer.constant(dtype, [], [value]);
/** The name of a float32 constant that is one value everywhere. */
export const filled = ({ writer }: Site, shape: Shape, value: number): string => {
  const count = shape.reduce((product, d) => product * d, 1);
  return writer.constant("float32", shape, new Float32Array(count).fill(value));
};
