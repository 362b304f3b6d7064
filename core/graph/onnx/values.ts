import { type Node, type Shape, sizeOf } from "../node.ts";
import type { Batch } from "./batch.ts";
import { rawValues } from "./tensors.ts";
import type { Scope, Writer } from "./writer.ts";

/** A Splat of up to so many elements is stored whole; a larger one is repeated at run time. */
const SMALL = 1024;

/** Known without computing. */
export const isConstant = ({ op }: Node): boolean => op === "Const" || op === "Splat";

export type ValueNames = ReturnType<typeof createValueNames>;

/** What the values of a graph are called: as `given`, else `v<id>`. A constant is written when it is first asked for. */
export function createValueNames(writer: Writer, batch: Batch, given: ReadonlyMap<Node, string>) {
  const names = new Map(given);
  const constants = new Map<Node, string>();

  const nameOf = (node: Node): string => {
    let name = names.get(node);
    if (name === undefined) {
      name = writer.name(`v${node.id}`);
      names.set(node, name);
    }
    return name;
  };

  const whole = (splat: Node): string => {
    const { shape, dtype } = splat;
    const value = splat.attrs["value"] as number;
    if (sizeOf(shape) <= SMALL && !shape.some(batch.isOpen)) {
      return writer.constant(dtype, shape, new Array<number>(sizeOf(shape)).fill(value));
    }
    const name = writer.name(`v${splat.id}`);
    const operands = [writer.constant(dtype, [], [value]), batch.list(shape.map(batch.length))];
    writer.node(writer.root, "Expand", operands, {}, [name]);
    return name;
  };

  const value = (node: Node): string => {
    if (!isConstant(node)) return nameOf(node);
    let name = constants.get(node);
    if (name === undefined) {
      name = node.op === "Splat" ? whole(node) : writer.rawConstant(node.dtype, node.shape, rawValues(node.values!));
      constants.set(node, name);
    }
    return name;
  };
  const wide = new Map<string, string>();

  return {
    /** The name of a computed value or an input. */
    nameOf,
    /** The name of any value, a Splat made whole; valid in every loop. */
    value,
    /** The name of a value that is repeated to a shape where it is computed, in `scope`. */
    repeated(node: Node, shape: Shape, scope: Scope): string {
      const key = `${node.id}|${shape}`;
      let name = wide.get(key);
      if (name === undefined) {
        name = writer.name(`v${node.id}_wide`);
        wide.set(key, name);
        writer.node(scope, "Expand", [value(node), batch.list(shape.map(batch.length))], {}, [name]);
      }
      return name;
    },
  };
}
