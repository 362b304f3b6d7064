import * as proto from "../../protobuf.ts";
import type { Node, Values } from "../node.ts";
import type { Dynamic } from "./batch.ts";
import { emitGraph, inputName, type NamedGraph } from "./emit.ts";
import { type Fusion, runtimeFusions, standardFusions } from "./fusions.ts";
import { rawValues, valueInfoFields } from "./tensors.ts";

/** The version of ONNX' operators in the files, of 2022: ONNX Runtime 1.14 and later load it. */
export const ONNX_OPSET = 18;
/** The version of the file format. */
export const ONNX_IR_VERSION = 9;

export interface OnnxOptions {
  /** Only operators of the ONNX standard, for a file that any runtime must load; else also ONNX Runtime's own. */
  readonly standardOnly?: boolean;
  /** The dimension that is left open; else every shape is fixed. */
  readonly dynamic?: Dynamic;
  /** Values of inputs that become constants of the file, under the inputs' names. */
  readonly weights?: ReadonlyMap<string, Values>;
  /** The graph's name. */
  readonly name?: string;
  readonly description?: string;
  /** The version of MotionForge that writes the file. */
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Which several operations become one; by default those that pay. */
  readonly fusions?: readonly Fusion[];
}

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** ONNX nodes, those in a loop counted once. */
  readonly nodes: number;
  /** ONNX nodes by operator. */
  readonly histogram: Readonly<Record<string, number>>;
  /** Names of the inputs that the model takes: those its outputs depend on, in the order given, without `weights`. */
  readonly inputs: readonly string[];
}

/**
 * Writes the part of a graph that its outputs need as an ONNX model. Inputs and outputs keep their names; other values
 * are called `v<id>` after their nodes. Throws MF_ONNX_UNSUPPORTED, MF_ONNX_NAME, MF_ONNX_INPUT, and with `dynamic`
 * MF_ONNX_BATCH_… for what fits one batch size only.
 */
export function toOnnx(graph: NamedGraph, options: OnnxOptions = {}): OnnxModel {
  const { standardOnly = false, dynamic = null, weights = new Map<string, Values>() } = options;
  const fusions = options.fusions ?? (standardOnly || dynamic !== null ? standardFusions : runtimeFusions);
  const { writer, batch, inputs } = emitGraph(graph, { standardOnly, fusions, dynamic });

  const open: Node[] = [];
  for (const input of inputs) {
    const values = weights.get(inputName(input));
    if (values === undefined) open.push(input);
    else writer.initializer(inputName(input), input.dtype, input.shape, rawValues(values));
  }
  const declared = (field: number, name: string, { dtype, shape }: Node): proto.Field =>
    proto.message(field, valueInfoFields(name, dtype, batch.declared(shape)));
  // onnx.proto: GraphProto {node = 1, name = 2, initializer = 5, input = 11, output = 12}, ModelProto {ir_version = 1,
  // producer_name = 2, producer_version = 3, doc_string = 6, graph = 7, opset_import = 8, metadata_props = 14}.
  const bytes = proto.joined([
    proto.varint(1, ONNX_IR_VERSION),
    proto.string(2, "motionforge"),
    ...(options.version === undefined ? [] : [proto.string(3, options.version)]),
    ...(options.description === undefined ? [] : [proto.string(6, options.description)]),
    proto.message(7, [
      ...writer.root.nodes,
      proto.string(2, options.name ?? "graph"),
      ...writer.initializers,
      ...open.map((input) => declared(11, inputName(input), input)),
      ...Object.entries(graph.outputs).map(([name, node]) => declared(12, name, node)),
    ]),
    ...writer.operatorSets(ONNX_OPSET),
    ...Object.entries(options.metadata ?? {}).map(([key, text]) =>
      proto.message(14, [proto.string(1, key), proto.string(2, text)]),
    ),
  ]);
  const { histogram } = writer;
  const nodes = Object.values(histogram).reduce((sum, count) => sum + count, 0);
  return { bytes, nodes, histogram, inputs: open.map(inputName) };
}
