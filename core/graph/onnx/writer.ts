import * as proto from "../../protobuf.ts";
import type { Attribute } from "../node.ts";
import { type ElementType, rawData, tensorFields } from "./tensors.ts";

/** A graph or a loop's body while it is written. */
export interface Scope {
  readonly nodes: proto.Field[];
}

/** An attribute: whole numbers and truth values as INT, `{ float }` as FLOAT, `{ graph }` as GRAPH. */
export type OnnxAttribute = Attribute | { readonly float: number } | { readonly graph: readonly proto.Field[] };

const MICROSOFT = "com.microsoft";
/** Operators that only ONNX Runtime has. */
const microsoftOps: ReadonlySet<string> = new Set(["FusedMatMul"]);

export type Writer = ReturnType<typeof createWriter>;

/** Collects the nodes and constants of a model. Names it makes up avoid the `reserved` ones. */
export function createWriter(reserved: Iterable<string>) {
  const taken = new Set(reserved);
  const constants = new Map<string, string>();
  const initializers: proto.Field[] = [];
  const histogram: Record<string, number> = {};

  const name = (wish: string): string => {
    let free = wish;
    for (let i = 1; taken.has(free); i++) free = `${wish}_${i}`;
    taken.add(free);
    return free;
  };

  const initializer = (called: string, type: ElementType, shape: readonly number[], raw: Uint8Array): void => {
    initializers.push(proto.message(5, tensorFields(called, type, shape, raw)));
  };

  const rawConstant = (type: ElementType, shape: readonly number[], raw: Uint8Array): string => {
    const key = `${type}|${shape}|${Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("latin1")}`;
    let known = constants.get(key);
    if (known === undefined) {
      known = name(`c${constants.size}`);
      constants.set(key, known);
      initializer(known, type, shape, raw);
    }
    return known;
  };

  return {
    root: { nodes: [] } as Scope,
    initializers,
    histogram,
    name,
    initializer,

    /** The name of a constant; equal ones are stored once. */
    rawConstant,
    constant: (type: ElementType, shape: readonly number[], values: ArrayLike<number>): string =>
      rawConstant(type, shape, rawData(type, values)),

    node(
      scope: Scope,
      op: string,
      inputs: readonly string[],
      attrs: Readonly<Record<string, OnnxAttribute>>,
      outputs: readonly string[],
    ): void {
      const domain = microsoftOps.has(op) ? [proto.string(7, MICROSOFT)] : [];
      scope.nodes.push(
        proto.message(1, [
          ...inputs.map((input) => proto.string(1, input)),
          ...outputs.map((output) => proto.string(2, output)),
          proto.string(3, outputs[0]!),
          proto.string(4, op),
          ...Object.entries(attrs).map(([key, value]) => proto.message(5, attributeFields(key, value))),
          ...domain,
        ]),
      );
      histogram[op] = (histogram[op] ?? 0) + 1;
    },

    /** The operator sets the nodes come from, as ModelProto's fields. */
    operatorSets: (opset: number): proto.Field[] => {
      const microsoft = Object.keys(histogram).some((op) => microsoftOps.has(op));
      const sets: [string, number][] = microsoft
        ? [
            ["", opset],
            [MICROSOFT, 1],
          ]
        : [["", opset]];
      return sets.map(([domain, version]) => proto.message(8, [proto.string(1, domain), proto.varint(2, version)]));
    },
  };
}

/** onnx.proto: AttributeProto {name = 1, f = 2, i = 3, s = 4, g = 6, ints = 8, type = 20}. */
function attributeFields(name: string, value: OnnxAttribute): proto.Field[] {
  const [type, fields] = ((): [number, proto.Field[]] => {
    if (typeof value === "string") return [3, [proto.string(4, value)]];
    if (typeof value === "number" || typeof value === "boolean") return [2, [proto.varint(3, Number(value))]];
    if ("float" in value) return [1, [proto.float(2, value.float)]];
    if ("graph" in value) return [5, [proto.message(6, value.graph)]];
    return [7, value.map((v) => proto.varint(8, v))];
  })();
  return [proto.string(1, name), ...fields, proto.varint(20, type)];
}
