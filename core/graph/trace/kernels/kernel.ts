import * as tf from "@tensorflow/tfjs-core";
import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";

/** One call of a tfjs kernel, with nodes for tensors. `I` names its inputs, `A` is its attributes' type in tfjs. */
export interface KernelCall<I extends string, A> {
  readonly inputs: Readonly<Record<I, Node>>;
  readonly attrs: A;
  readonly build: Builder;
}

/** What a kernel records: the nodes of its outputs. */
export type TraceKernel<I extends string = string, A = unknown> = (call: KernelCall<I, A>) => Node | readonly Node[];

/** A table's entry; the types of inputs and attributes are those tfjs documents for the kernel. */
export const kernel = <I extends string, A = unknown>(record: TraceKernel<I, A>): TraceKernel =>
  record as unknown as TraceKernel;

export type KernelTable = Readonly<Record<string, TraceKernel>>;

/** Axes as non-negative numbers; all when none are given. */
export const axesOf = (axis: number | number[] | undefined | null, shape: readonly number[]): number[] =>
  tf.util.parseAxisParam(axis ?? shape.map((_, i) => i), shape as number[]);

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
