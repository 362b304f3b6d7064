import * as proto from "../../protobuf.ts";
import type { Node } from "../node.ts";
import type { Batch } from "./batch.ts";
import { elementTypeCode, valueInfoFields } from "./tensors.ts";
import type { ValueNames } from "./values.ts";
import type { OnnxAttribute, Scope, Writer } from "./writer.ts";

/** A loop's body while it is written, and the names of the two values that ONNX hands to it. */
export interface Body {
  readonly scope: Scope;
  /** The iteration's number, int64. */
  readonly count: string;
  /** Always true: the loop ends by its count. */
  readonly going: string;
}

/** Begins a body; `counts` tells whether it reads the iteration's number. */
export function openBody(loop: Node, counts: boolean, writer: Writer, values: ValueNames): Body {
  const scope: Scope = { nodes: [] };
  const [count, going] = [writer.name(`v${loop.id}_iteration`), writer.name(`v${loop.id}_going`)];
  const { iteration } = loop.body!;
  if (counts) writer.node(scope, "Cast", [count], { to: elementTypeCode.int32 }, [values.nameOf(iteration)]);
  return { scope, count, going };
}

/**
 * Ends a body and gives the attributes of the ONNX Loop. `isOwn` tells whether a node is computed in the body: other
 * results, and one that is carried on twice, need a copy to have a name of their own.
 */
export function closeBody(
  loop: Node,
  { scope, count, going }: Body,
  isOwn: (node: Node) => boolean,
  writer: Writer,
  values: ValueNames,
  batch: Batch,
): Readonly<Record<string, OnnxAttribute>> {
  const { carried, results } = loop.body!;
  const still = writer.name(`v${loop.id}_still`);
  writer.node(scope, "Identity", [going], {}, [still]);
  const returned = new Set<string>();
  for (const [k, result] of results.entries()) {
    const value = values.value(result);
    const copy = isOwn(result) && !returned.has(value) ? value : writer.name(`v${loop.id}_next${k}`);
    if (copy !== value) writer.node(scope, "Identity", [value], {}, [copy]);
    returned.add(copy);
  }
  const declared = (name: string, { dtype, shape }: Node): proto.Field[] =>
    valueInfoFields(name, dtype, batch.declared(shape));
  // onnx.proto: GraphProto {node = 1, name = 2, input = 11, output = 12}.
  const graph = [
    ...scope.nodes,
    proto.string(2, writer.name(`v${loop.id}_body`)),
    proto.message(11, valueInfoFields(count, "int64", [])),
    proto.message(11, valueInfoFields(going, "bool", [])),
    ...carried.map((entry) => proto.message(11, declared(values.nameOf(entry), entry))),
    proto.message(12, valueInfoFields(still, "bool", [])),
    ...[...returned].map((name, k) => proto.message(12, declared(name, results[k]!))),
  ];
  return { body: { graph } };
}
