import type { Node } from "../node.ts";
import { onnxErrors } from "./errors.ts";
import type { Dimension } from "./tensors.ts";
import type { Writer } from "./writer.ts";

/** The dimension that is open until the model runs. The graph was recorded with `size` rows, a prime found nowhere else. */
export interface Dynamic {
  readonly size: number;
  /** What the file calls it, such as `batch`. */
  readonly name: string;
}

/** A whole number of the form batches·(rows of the batch) + fixed. */
export interface Extent {
  readonly batches: number;
  readonly fixed: number;
}

export type Batch = ReturnType<typeof createBatch>;

/** Knows which numbers of a graph stand for the batch, and writes them as values computed at run time. */
export function createBatch(dynamic: Dynamic | null, inputs: readonly Node[], writer: Writer) {
  const isOpen = (d: number): boolean => dynamic !== null && d > 0 && d % dynamic.size === 0;
  /** A length: a multiple of the size is open, anything else is what it is. */
  const length = (d: number): Extent =>
    isOpen(d) ? { batches: d / dynamic!.size, fixed: 0 } : { batches: 0, fixed: d };
  /** A place along an open axis, counted from its nearest whole number of batches: size − 1 is the last row. */
  const place = (at: number): Extent => {
    const batches = dynamic === null ? 0 : Math.round(at / dynamic.size);
    return { batches, fixed: dynamic === null ? at : at - batches * dynamic.size };
  };

  const computed = new Map<string, string>();
  const once = (op: string, operands: readonly string[], attrs: Readonly<Record<string, number>> = {}): string => {
    const key = `${op}|${operands}|${JSON.stringify(attrs)}`;
    let known = computed.get(key);
    if (known === undefined) {
      known = writer.name(dynamic!.name);
      computed.set(key, known);
      writer.node(writer.root, op, operands, attrs, [known]);
    }
    return known;
  };
  const list = (values: readonly number[]): string => writer.constant("int64", [values.length], values);

  const rows = (): string => {
    const input = rowsInput();
    if (input === undefined) throw onnxErrors.MF_ONNX_BATCH_INPUT({ name: dynamic!.name });
    const axis = input.shape.findIndex(isOpen);
    const size = once("Shape", [input.attrs["name"] as string], { start: axis, end: axis + 1 });
    const batches = input.shape[axis]! / dynamic!.size;
    return batches === 1 ? size : once("Div", [size, list([batches])]);
  };
  let used = false;
  const rowsInput = (): Node | undefined => {
    used = true;
    return inputs.find(({ shape }) => shape.includes(dynamic!.size)) ?? inputs.find(({ shape }) => shape.some(isOpen));
  };

  const value = ({ batches, fixed }: Extent): string => {
    if (batches === 0) return list([fixed]);
    const scaled = batches === 1 ? rows() : once("Mul", [rows(), list([batches])]);
    return fixed === 0 ? scaled : once("Add", [scaled, list([fixed])]);
  };

  return {
    isOpen,
    length,
    place,

    /** The name of an int64 list. */
    list(extents: readonly Extent[]): string {
      if (extents.every(({ batches }) => batches === 0)) return list(extents.map(({ fixed }) => fixed));
      return extents.length === 1 ? value(extents[0]!) : once("Concat", extents.map(value), { axis: 0 });
    },

    /** A shape as it is declared in the file. */
    declared: (shape: readonly number[]): Dimension[] =>
      shape.map((d) => {
        const { batches } = length(d);
        if (batches === 0) return d;
        return batches === 1 ? dynamic!.name : `${batches}*${dynamic!.name}`;
      }),

    /** The input whose shape tells the batch, once a value needed it. */
    readsShapeOf: (): Node | undefined => (used ? rowsInput() : undefined),

    /** Throws for a constant that would be wrong at another batch size. */
    check(node: Node): void {
      if (dynamic === null) return;
      const { op, shape, origin, attrs } = node;
      if (op === "Const" && shape.some(isOpen)) {
        throw onnxErrors.MF_ONNX_BATCH_CONSTANT({ node: `%${node.id}`, origin, shape });
      }
      const number = op === "Splat" ? (attrs["value"] as number) : 0;
      if (isOpen(Math.abs(number)) || isReciprocal(number)) {
        throw onnxErrors.MF_ONNX_BATCH_VALUE({ node: `%${node.id}`, origin, value: number });
      }
    },
  };

  /** Whether 1/v is a multiple of the size, as in the mean over a batch. Beyond 2²⁰ float32 cannot tell. */
  function isReciprocal(v: number): boolean {
    const divisor = Math.round(1 / Math.abs(v));
    return divisor < 2 ** 20 && isOpen(divisor) && Math.fround(1 / divisor) === Math.fround(Math.abs(v));
  }
}
