import { type Node, needed, type Outputs, type Shape, sizeOf } from "../node.ts";
import { broadcastRun } from "../shape.ts";
import { createBatch, type Dynamic } from "./batch.ts";
import { onnxErrors } from "./errors.ts";
import { chooseSteps, type Fusion } from "./fusions.ts";
import { type Body, closeBody, openBody } from "./loop.ts";
import { writeOperation } from "./operations.ts";
import { loopsOf } from "./scopes.ts";
import type { Site } from "./site.ts";
import { createValueNames, isConstant } from "./values.ts";
import { createWriter, type Scope } from "./writer.ts";

/** A graph and the order in which its inputs are listed. */
export interface NamedGraph {
  readonly inputs: readonly Node[];
  readonly outputs: Outputs;
}

export interface EmitOptions {
  readonly standardOnly: boolean;
  readonly fusions: readonly Fusion[];
  readonly dynamic: Dynamic | null;
}

/** Runs of fewer elements make a broadcast up to twelve times slower than operands of one shape. */
const SHORT_RUN = 32;

/** Writes the nodes and constants that the outputs need; also tells which of the inputs those read. */
export function emitGraph({ inputs, outputs }: NamedGraph, { standardOnly, fusions, dynamic }: EmitOptions) {
  const results = Object.entries(outputs);
  const resultNodes = results.map(([, node]) => node);
  const reserved = [...inputs.map(inputName), ...Object.keys(outputs)];
  throwIfTwice(reserved);

  const all = needed(resultNodes);
  const loopOf = loopsOf(all);
  const stepOf = chooseSteps(all, resultNodes, loopOf, fusions);
  // Again from the end: what a step stands for is not computed unless something else reads it.
  const live = new Set(resultNodes);
  for (const node of all.toReversed()) {
    if (live.has(node)) for (const read of [...stepOf(node).inputs, ...(node.body?.results ?? [])]) live.add(read);
  }
  const order = all.filter((node) => live.has(node));

  const writer = createWriter(reserved);
  const batch = createBatch(dynamic, inputs, writer);
  const given = new Map(inputs.map((input) => [input, inputName(input)]));
  for (const [name, node] of results) if (!isConstant(node) && !given.has(node)) given.set(node, name);
  const values = createValueNames(writer, batch, given);

  const bodies = new Map<Node, Body>();
  const bodyOf = (loop: Node): Body => {
    const body = bodies.get(loop) ?? openBody(loop, live.has(loop.body!.iteration), writer, values);
    bodies.set(loop, body);
    return body;
  };
  const scopeOf = (node: Node): Scope => {
    const loop = loopOf(node);
    return loop === null ? writer.root : bodyOf(loop).scope;
  };

  const writeLoop = (loop: Node): void => {
    const isOwn = (node: Node): boolean => loopOf(node) === loop && node.op !== "LoopInput";
    const attrs = closeBody(loop, bodyOf(loop), isOwn, writer, values, batch);
    const ends = loop.body!.results.map((_, index) => {
      const reader = order.find((n) => n.op === "LoopOutput" && n.inputs[0] === loop && n.attrs["index"] === index);
      return reader === undefined ? writer.name(`v${loop.id}_end${index}`) : values.nameOf(reader);
    });
    const count = writer.constant("int64", [], [loop.attrs["count"] as number]);
    writer.node(scopeOf(loop), "Loop", [count, "", ...loop.inputs.map(values.value)], attrs, ends);
  };

  const spread = (node: Node, operand: Node, shape: Shape): string => {
    const short = broadcastRun(operand.shape, shape) < Math.min(SHORT_RUN, sizeOf(shape));
    return short && loopOf(operand) !== loopOf(node)
      ? values.repeated(operand, shape, scopeOf(operand))
      : values.value(operand);
  };

  for (const node of order) {
    batch.check(node);
    if (node.op === "Input" && !given.has(node)) {
      throw onnxErrors.MF_ONNX_INPUT({ name: inputName(node), known: inputs.map(inputName) });
    }
    if (isConstant(node) || node.op === "Input" || node.op === "LoopInput" || node.op === "LoopOutput") continue;
    if (node.op === "Loop") {
      writeLoop(node);
      continue;
    }
    const result = values.nameOf(node);
    const emit: Site["emit"] = (op, operands, attrs = {}, name = writer.name(`${result}_${op}`)) => {
      writer.node(scopeOf(node), op, operands, attrs, [name]);
      return name;
    };
    writeOperation({
      ...{ node, step: stepOf(node), writer, batch, standardOnly, result, value: values.value, emit },
      spread: (operand, shape) => spread(node, operand, shape),
    });
  }
  for (const [name, node] of results) {
    if (given.get(node) !== name) writer.node(writer.root, "Identity", [values.value(node)], {}, [name]);
  }

  const shapeInput = batch.readsShapeOf();
  return { writer, batch, inputs: inputs.filter((input) => live.has(input) || input === shapeInput) };
}

export const inputName = (input: Node): string => input.attrs["name"] as string;

function throwIfTwice(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw onnxErrors.MF_ONNX_NAME({ name });
    seen.add(name);
  }
}
