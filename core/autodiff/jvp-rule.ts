import type { Tensor } from "@tensorflow/tfjs-core";

/** One run of a kernel, as a rule sees it. `A` is the kernel's attributes (`tf.SumAttrs`, …). */
export interface KernelCall<A> {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** The tangent of each input, null for a constant. At least one is not null. */
  readonly tangents: Readonly<Record<string, Tensor | null>>;
  readonly output: Tensor;
  readonly attrs: A;
}

/**
 * The tangent of a kernel's output, of the output's shape, or null for zero; an array for a kernel with several outputs.
 * Its temporaries are freed for it. Must be linear in the tangents.
 */
export type JvpRule<A = unknown> = (call: KernelCall<A>) => Tensor | null | readonly (Tensor | null)[];
